// HTML of the sign-in and consent pages: plain forms, no script.

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const layout = (title, body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<style>
  body { font: 16px sans-serif; margin: 4em auto; max-width: 22em }
  label, button { display: block; margin-top: 1em } input { width: 100% }
  .error { color: #a00 }
</style>
<h1>${title}</h1>
${body}
</html>
`;

/** `failed`: the last try was wrong. */
export const loginPage = ({ username = '', failed = false }) => layout('Sign in', `
<form method="post" id="login">
  ${failed ? '<p class="error">Incorrect username or password.</p>' : ''}
  <label>Username <input name="username" autocomplete="username" required value="${escape(username)}"></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button type="submit" id="sign-in">Sign in</button>
</form>`);

export const consentPage = ({ client, scopes }) => layout('Consent', `
<form method="post" id="consent">
  <p>${escape(client)} asks for: ${scopes.map(escape).join(', ')}</p>
  <button type="submit" name="answer" value="accept" id="accept">Accept</button>
  <button type="submit" name="answer" value="deny" id="deny">Deny</button>
</form>`);
