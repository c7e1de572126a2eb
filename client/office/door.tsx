import { createSignal, Match, Show, Switch } from 'solid-js';
import type { Me } from '../../sync-server/protocol/wire.ts';
import type { Place } from '../router.ts';
import type { Api, ApiResult } from '../sync/api.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';

export interface DoorProps {
  readonly api: Api;
  readonly place: Place;
  readonly hasOwner: boolean;
  readonly onEnter: (me: Me) => void;
  readonly onSignIn: () => void;
  /** Asks again who is here, after signing in. */
  readonly onAsk: () => void;
}

/** The ways in: the first owner, an invitation, a new password, signing in. */
export function Door(props: DoorProps) {
  const tokenFor = (kind: 'setup' | 'invite' | 'reset') => (props.place.kind === kind ? props.place.token : undefined);
  return (
    <main class="door">
      <Switch fallback={<SignIn {...props} />}>
        <Match when={tokenFor('setup')} keyed>
          {(token) => (
            <Join
              title="Create the owner"
              intro="This office is yours. The owner invites everyone else."
              action="Create owner"
              submit={(input) => props.api.call('createOwner', { body: { token, ...input } })}
              onEnter={props.onEnter}
            />
          )}
        </Match>
        <Match when={tokenFor('invite')} keyed>
          {(token) => (
            <Join
              title="Join the office"
              intro="You were invited to work here, together with its people and agents."
              action="Join"
              submit={(input) => props.api.call('acceptInvite', { body: { token, ...input } })}
              onEnter={props.onEnter}
            />
          )}
        </Match>
        <Match when={tokenFor('reset')} keyed>
          {(token) => <NewPassword token={token} api={props.api} onDone={props.onSignIn} />}
        </Match>
      </Switch>
    </main>
  );
}

/** Runs one form at a time and keeps what went wrong. */
function createAttempt() {
  const [problem, setProblem] = createSignal<string>();
  const [isBusy, setBusy] = createSignal(false);
  const run = async <Value,>(call: () => Promise<ApiResult<Value>>, then: (value: Value) => void) => {
    if (isBusy()) return;
    setBusy(true);
    setProblem(undefined);
    const answer = await call();
    setBusy(false);
    if (answer.ok) then(answer.value);
    else setProblem(answer.error.message);
  };
  return { problem, isBusy, run };
}

function textOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value : '';
}

function Problem(props: { text: string | undefined }) {
  return (
    <Show when={props.text}>
      <p class="problem" role="alert">
        {props.text}
      </p>
    </Show>
  );
}

function SignIn(props: DoorProps) {
  const attempt = createAttempt();
  return (
    <form
      class="door-card"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        void attempt.run(() => props.api.signIn(textOf(form, 'email').trim(), textOf(form, 'password')), props.onAsk);
      }}
    >
      <img src="/mark.svg" alt="" />
      <h1>Sign in to Daena</h1>
      <Show when={!props.hasOwner}>
        <p class="hint">
          Nobody owns this office yet. Open the one-time link that it printed where it was started, and create the
          owner.
        </p>
      </Show>
      <Field label="E-mail" name="email" type="email" autocomplete="username" required autofocus />
      <Field label="Password" name="password" type="password" autocomplete="current-password" required />
      <Problem text={attempt.problem()} />
      <Button type="submit" look="primary" disabled={attempt.isBusy()}>
        Sign in
      </Button>
      <p class="hint">Forgot your password? The owner can give you a link to set a new one.</p>
    </form>
  );
}

interface NewPerson {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

function Join(props: {
  title: string;
  intro: string;
  action: string;
  submit: (input: NewPerson) => Promise<ApiResult<Me>>;
  onEnter: (me: Me) => void;
}) {
  const attempt = createAttempt();
  return (
    <form
      class="door-card"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const name = textOf(form, 'name').trim();
        const email = textOf(form, 'email').trim();
        void attempt.run(() => props.submit({ name, email, password: textOf(form, 'password') }), props.onEnter);
      }}
    >
      <img src="/mark.svg" alt="" />
      <h1>{props.title}</h1>
      <p class="hint">{props.intro}</p>
      <Field label="Name" name="name" autocomplete="name" maxLength={80} required autofocus />
      <Field label="E-mail" name="email" type="email" autocomplete="username" maxLength={200} required />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        minLength={8}
        maxLength={128}
        hint="At least 8 characters."
        required
      />
      <Problem text={attempt.problem()} />
      <Button type="submit" look="primary" disabled={attempt.isBusy()}>
        {props.action}
      </Button>
    </form>
  );
}

function NewPassword(props: { token: string; api: Api; onDone: () => void }) {
  const attempt = createAttempt();
  return (
    <form
      class="door-card"
      onSubmit={(event) => {
        event.preventDefault();
        const password = textOf(event.currentTarget, 'password');
        void attempt.run(
          () => props.api.call('resetPassword', { body: { token: props.token, password } }),
          props.onDone,
        );
      }}
    >
      <img src="/mark.svg" alt="" />
      <h1>Set a new password</h1>
      <p class="hint">You will be signed out everywhere, and sign in again with the new one.</p>
      <Field
        label="New password"
        name="password"
        type="password"
        autocomplete="new-password"
        minLength={8}
        maxLength={128}
        hint="At least 8 characters."
        required
        autofocus
      />
      <Problem text={attempt.problem()} />
      <Button type="submit" look="primary" disabled={attempt.isBusy()}>
        Set password
      </Button>
    </form>
  );
}
