// All that is wrong with a configuration, in Authelia's words where it has them.

export class InvalidConfiguration extends Error {
  /** `messages`: one line for each mistake. */
  constructor(messages) {
    super(messages.join('\n'));
    this.messages = messages;
  }
}
