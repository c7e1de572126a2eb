/** What `npm start -- --help` prints. Plain JavaScript, so that it answers before anything is installed. */
export const helpText = `Daena: an office where people and AI agents work in the same conversations.

  npm start                 start the office and open it in a browser
  npm start -- [options]    start it with options
  npm run stop              stop it (from anywhere; --data if it is elsewhere)

Options, and the environment variable that says the same:
  --port <number>           DAENA_PORT             port to listen on (7433)
  --host <name>             DAENA_HOST             address to listen on (127.0.0.1: this machine only)
  --data <folder>           DAENA_DATA             where everything is kept (.daena in this checkout)
  --tls-cert <file>         DAENA_TLS_CERT         certificate (PEM), to serve https
  --tls-key <file>          DAENA_TLS_KEY          its private key (PEM)
  --trusted-origin <url>    DAENA_TRUSTED_ORIGINS  a further address that browsers may come from, such as
                                                   https://office.example; repeat the option, or separate by commas
  --no-open                 DAENA_NO_OPEN=1        open no browser
  --help                                           this text

Only as environment variables or in the settings files:
  OLLAMA_HOST               where Ollama answers (127.0.0.1:11434)
  DAENA_MODEL               the model that agents use, such as qwen3:4b
  DAENA_WORKER_SLOTS        how many answers agents write at once (2)
  DAENA_DURABILITY          power-cut: what is marked as saved survives one (the default); process: faster, and
                            survives only the end of the program
  DAENA_OWNER_EMAIL         together with
  DAENA_OWNER_PASSWORD      creates the owner at the first start, without the one-time link

Settings files in the data folder, made at the first start: server.env (the server) and agents.env (the agents).
An option wins over the environment, and the environment over a file. Relative paths start at the checkout.

Logs: logs/server.log and logs/agents.log in the data folder. Ctrl-C stops the office; a second Ctrl-C forces it.
Ollama (https://ollama.com) is started if it is installed and does not answer, and is then left running. Without it,
a rehearsal model answers with scripted replies that say so.
`;
