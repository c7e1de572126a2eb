/** A refusal in Ollama's words, before the first byte of an answer. */
export class Refusal extends Error {
  readonly status: number;
  /** A crashed runner's answer is typed without a charset, as a real server's is. */
  readonly contentType: string;

  private constructor(status: number, message: string, contentType = 'application/json; charset=utf-8') {
    super(message);
    this.status = status;
    this.contentType = contentType;
  }

  static badJson(): Refusal {
    return new Refusal(400, 'unexpected EOF');
  }

  static badFormat(reason: string): Refusal {
    return new Refusal(400, `invalid JSON schema in format: ${reason}`);
  }

  static modelRequired(): Refusal {
    return new Refusal(400, 'model is required');
  }

  static missingModel(name: string): Refusal {
    return new Refusal(404, `model '${name}' not found`);
  }

  static noThinking(name: string): Refusal {
    return new Refusal(400, `"${name}" does not support thinking`);
  }

  static noTools(fullName: string): Refusal {
    return new Refusal(400, `registry.ollama.ai/library/${fullName} does not support tools`);
  }

  static tooLarge(): Refusal {
    return new Refusal(413, 'http: request body too large');
  }

  static busy(): Refusal {
    return new Refusal(503, 'server busy, please try again.  maximum pending requests exceeded');
  }

  static runnerCrash(): Refusal {
    return new Refusal(
      500,
      'model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details',
      'application/json',
    );
  }
}
