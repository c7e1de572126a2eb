import { createEffect, createSignal, lazy, Match, onCleanup, onMount, Suspense, Switch } from 'solid-js';
import { type Me, meSchema } from '../../sync-server/protocol/wire.ts';
import { createRouter } from '../router.ts';
import { Api } from '../sync/api.ts';
import { type Device, readJson, writeJson } from '../sync/device.ts';
import { Door } from './door.tsx';

const OfficeView = lazy(() => import('./office-view.tsx').then(({ OfficeView }) => ({ default: OfficeView })));

const ME_KEY = 'daena/me';
/** How often an office that did not answer is asked again, in ms. */
const ASK_AGAIN_MS = 3_000;

type Gate =
  | { readonly kind: 'asking' }
  | { readonly kind: 'outside'; readonly hasOwner: boolean }
  | { readonly kind: 'inside'; readonly me: Me }
  | { readonly kind: 'unreachable' };

/** Decides who is here: signed in, remembered while the office cannot be reached, or outside. */
export function App(props: { device: Device }) {
  const router = createRouter(window);
  const api = new Api((input, init) => fetch(input, init));
  const [gate, setGate] = createSignal<Gate>({ kind: 'asking' });

  const enter = (me: Me) => {
    writeJson(props.device.shelf, ME_KEY, me);
    setGate({ kind: 'inside', me });
  };
  /** Answers whether somebody is signed in, as far as can be known now. */
  const ask = async (): Promise<boolean> => {
    const answer = await api.call('me', {});
    if (answer.ok) {
      enter(answer.value);
      return true;
    }
    if (answer.error.status === 401 || answer.error.status === 403) {
      await leave();
      return false;
    }
    if (gate().kind === 'inside') return true;
    const remembered = meSchema.safeParse(readJson(props.device.shelf, ME_KEY));
    if (remembered.success) setGate({ kind: 'inside', me: remembered.data });
    else if (gate().kind !== 'unreachable') setGate({ kind: 'unreachable' });
    return remembered.success;
  };
  const leave = async () => {
    props.device.shelf.removeItem(ME_KEY);
    const office = await api.call('officeState', {});
    setGate({ kind: 'outside', hasOwner: office.ok ? office.value.has_owner : true });
  };
  // Nobody has to press anything for the office to come back.
  createEffect(() => {
    if (gate().kind !== 'unreachable') return;
    const timer = setInterval(() => void ask(), ASK_AGAIN_MS);
    onCleanup(() => clearInterval(timer));
  });
  const isDoor = () => ['setup', 'invite', 'reset'].includes(router.place().kind);

  onMount(() => {
    const remembered = meSchema.safeParse(readJson(props.device.shelf, ME_KEY));
    // Who was here last sees the office at once; the answer to `me` corrects it where that is no longer true.
    if (remembered.success && !isDoor()) setGate({ kind: 'inside', me: remembered.data });
    void ask();
  });

  const inside = () => {
    const now = gate();
    return now.kind === 'inside' && !isDoor() ? now.me : undefined;
  };

  return (
    <Suspense fallback={<Waiting />}>
      <Switch fallback={<Waiting />}>
        <Match when={inside()?.id} keyed>
          {(_id) => (
            <OfficeView
              me={inside() ?? never()}
              api={api}
              router={router}
              device={props.device}
              onLeave={() => void api.signOut().then(leave)}
              onRefused={ask}
            />
          )}
        </Match>
        <Match when={isDoor() || gate().kind === 'outside'}>
          <Door
            api={api}
            place={router.place()}
            hasOwner={gate().kind !== 'outside' || hasOwner(gate())}
            onEnter={(me) => {
              router.go('/', { replace: true });
              enter(me);
            }}
            onSignIn={() => router.go('/', { replace: true })}
            onAsk={() => void ask()}
          />
        </Match>
        <Match when={gate().kind === 'unreachable'}>
          <main class="door">
            <div class="door-card">
              <img src="/mark.svg" alt="" />
              <h1>The office cannot be reached</h1>
              <p class="hint">Is it running, and is this device on its network?</p>
              <button type="button" class="button" data-look="primary" onClick={() => void ask()}>
                Try again
              </button>
            </div>
          </main>
        </Match>
      </Switch>
    </Suspense>
  );
}

function Waiting() {
  return (
    <main class="door" aria-busy="true">
      <span class="spinner" role="status" aria-label="Opening the office" />
    </main>
  );
}

const hasOwner = (gate: Gate): boolean => gate.kind === 'outside' && gate.hasOwner;

function never(): never {
  throw new Error('shown only while somebody is inside');
}
