// The keys that Authelia 4.39 knows: at the top of its file, for its provider, and for a client.
// Below other top-level keys nothing is checked: they have no part in the lab.

const algAndKey = (name) => [`${name}_signed_response_alg`, `${name}_signed_response_key_id`];
const encryption = (name) => [
  `${name}_encrypted_response_alg`, `${name}_encrypted_response_enc`, `${name}_encrypted_response_key_id`,
];
const endpointAuth = (name) => [`${name}_endpoint_auth_method`, `${name}_endpoint_auth_signing_alg`];
const OBJECTS = ['authorization', 'id_token', 'access_token', 'userinfo', 'introspection'];

export const TOP = new Set([
  'access_control', 'authentication_backend', 'certificates_directory', 'default_2fa_method', 'definitions',
  'duo_api', 'identity_providers', 'identity_validation', 'log', 'notifier', 'ntp', 'password_policy',
  'privacy_policy', 'regulation', 'server', 'session', 'storage', 'telemetry', 'theme', 'totp', 'webauthn',
]);

export const OIDC = new Set([
  'authorization_policies', 'claims_policies', 'clients', 'cors', 'discovery_signed_response_alg',
  'discovery_signed_response_key_id', 'enable_client_debug_messages',
  'enable_jwt_access_token_stateless_introspection', 'enable_pkce_plain_challenge', 'enforce_pkce',
  'hmac_secret', 'issuer_certificate_chain', 'issuer_private_key', 'jwks', 'lifespans',
  'minimum_parameter_entropy', 'require_pushed_authorization_requests', 'scopes',
]);

export const CLIENT = new Set([
  'allow_multiple_auth_methods', 'audience', 'authorization_policy', 'claims_policy', 'client_id',
  'client_name', 'client_secret', 'consent_mode', 'grant_types', 'jwks', 'jwks_uri', 'lifespan',
  'pkce_challenge_method', 'pre_configured_consent_duration', 'public', 'redirect_uris',
  'request_object_encryption_alg', 'request_object_encryption_enc', 'request_object_signing_alg',
  'request_uris', 'requested_audience_mode', 'require_pkce', 'require_pushed_authorization_requests',
  'response_modes', 'response_types', 'scopes', 'sector_identifier_uri',
  ...OBJECTS.flatMap(algAndKey), ...OBJECTS.flatMap(encryption),
  ...['token', 'revocation', 'introspection', 'pushed_authorization_request'].flatMap(endpointAuth),
]);
