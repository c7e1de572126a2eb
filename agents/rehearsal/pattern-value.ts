const SEVERAL = 2;
/** `{5000}` is answered, `{1000000}` is not. */
const MAX_REPEATS = 10_000;

/**
 * A text that matches a simple regular expression (literals, classes, groups, alternatives, quantifiers), or null where
 * it finds none. Pure; the seed chooses among the characters of a class.
 */
export function patternValue(pattern: string, seed: number): string | null {
  const text = new Writer(pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''), seed).alternatives();
  return text !== null && new RegExp(pattern, 'u').test(text) ? text : null;
}

/** Walks once over the pattern and writes what it asks for; the first alternative wins. Null: something unknown. */
class Writer {
  readonly #pattern: string;
  readonly #seed: number;
  #at = 0;

  constructor(pattern: string, seed: number) {
    this.#pattern = pattern;
    this.#seed = seed;
  }

  alternatives(): string | null {
    const first = this.#sequence();
    while (this.#take('|')) this.#sequence();
    return first;
  }

  #sequence(): string | null {
    let text = '';
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#peek())) {
      const write = this.#atom();
      const times = this.#quantifier();
      if (write === null || times === null) return null;
      for (let index = 0; index < times; index += 1) text += write(text.length);
    }
    return text;
  }

  #atom(): ((position: number) => string) | null {
    const char = this.#next();
    switch (char) {
      case '(': {
        if (this.#take('?') && !this.#take(':')) return null;
        const text = this.alternatives();
        if (!this.#take(')') || text === null) return null;
        return () => text;
      }
      case '[':
        return this.#oneOf(this.#charClass());
      case '\\':
        return this.#oneOf(escaped(this.#next()));
      case '.':
        return () => 'x';
      default:
        return '*+?{}]^$'.includes(char) ? null : () => char;
    }
  }

  #oneOf(choices: string | null): ((position: number) => string) | null {
    if (choices === null || choices === '') return null;
    return (position) => choices.charAt((this.#seed + position * 7) % choices.length);
  }

  #charClass(): string | null {
    if (this.#peek() === '^') return null;
    let choices = '';
    while (this.#at < this.#pattern.length && this.#peek() !== ']') {
      const char = this.#next();
      const single = char === '\\' ? escaped(this.#next()) : char;
      if (single === null) return null;
      const isRange = this.#peek() === '-' && this.#pattern.charAt(this.#at + 1) !== ']';
      if (!isRange) {
        choices += single;
        continue;
      }
      this.#at += 1;
      const last = this.#next();
      for (let code = single.charCodeAt(0); code <= last.charCodeAt(0); code += 1) choices += String.fromCharCode(code);
    }
    return this.#take(']') ? choices : null;
  }

  #quantifier(): number | null {
    if (this.#take('?') || this.#take('*') || this.#take('+')) {
      const sign = this.#pattern.charAt(this.#at - 1);
      this.#take('?');
      return sign === '+' ? SEVERAL : 1;
    }
    const counted = /^\{(\d+)(?:,(\d*))?\}/.exec(this.#pattern.slice(this.#at));
    if (counted === null) return 1;
    this.#at += counted[0].length;
    const atLeast = Number(counted[1]);
    if (atLeast > MAX_REPEATS) return null;
    const mayBeMore = counted[2] !== undefined && counted[2] !== '0';
    return mayBeMore ? Math.max(atLeast, 1) : atLeast;
  }

  #peek(): string {
    return this.#pattern.charAt(this.#at);
  }

  #next(): string {
    const char = this.#pattern.charAt(this.#at);
    this.#at += 1;
    return char;
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at += 1;
    return true;
  }
}

function escaped(char: string): string | null {
  switch (char) {
    case 'd':
      return '0123456789';
    case 'w':
      return 'abcdefghijklmnopqrstuvwxyz';
    case 's':
      return ' ';
    default:
      return /[A-Za-z0-9]/.test(char) || char === '' ? null : char;
  }
}
