/** Where Ollama listens when nothing else is said (ollama/envconfig). */
export const DEFAULT_OLLAMA_URL = 'http://127.0.0.1:11434';

const OLLAMA_PORT = '11434';

export type OllamaHost =
  | { readonly kind: 'unset' }
  | { readonly kind: 'set'; readonly url: string }
  | { readonly kind: 'unreadable'; readonly message: string };

/**
 * Reads the forms of OLLAMA_HOST (`host`, `host:port`, `:port`, IPv6, a URL) into a base URL that names its port and has
 * no trailing slash. A URL without a port means its scheme's port; anything else means 11434. Bind addresses become loopback.
 */
export function parseOllamaHost(setting: string | undefined): OllamaHost {
  const text = (setting ?? '').trim().replace(/^["']+|["']+$/g, '');
  if (text === '') return { kind: 'unset' };

  const url = baseUrl(text);
  if (url !== null) return { kind: 'set', url };
  const message = `OLLAMA_HOST "${text}" is not an address: use host, host:port or a URL such as ${DEFAULT_OLLAMA_URL}.`;
  return { kind: 'unreadable', message };
}

function baseUrl(text: string): string | null {
  const [, scheme, rest = ''] = /^(?:(https?):\/\/)?(.*)$/i.exec(text) ?? [];
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : rest.slice(slash).replace(/\/+$/, '');

  const place = splitAuthority(authority);
  if (place === null) return null;
  const protocol = (scheme ?? 'http').toLowerCase();
  const port = place.port ?? impliedPort(scheme);
  const url = `${protocol}://${loopbackForBind(place.host)}:${port}${path}`;

  // fetch refuses a URL that carries a user name, and a query would swallow the path that is appended.
  const isPlain = !/[@?#\s\\]/.test(rest);
  return isPlain && URL.canParse(url) ? url : null;
}

function splitAuthority(authority: string): { host: string; port: string | undefined } | null {
  const isBareIpv6 = !authority.startsWith('[') && authority.split(':').length > 2;
  if (isBareIpv6) return { host: `[${authority}]`, port: undefined };
  const match = /^(\[[^\]]+\]|[^:[\]]*)(?::(\d+))?$/.exec(authority);
  return match === null ? null : { host: match[1] ?? '', port: match[2] };
}

function impliedPort(scheme: string | undefined): string {
  switch (scheme?.toLowerCase()) {
    case 'http':
      return '80';
    case 'https':
      return '443';
    default:
      return OLLAMA_PORT;
  }
}

/** `0.0.0.0`, `::` and no host at all say where a server listens; a client reaches it over loopback. */
function loopbackForBind(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  return host === '[::]' ? '[::1]' : host;
}
