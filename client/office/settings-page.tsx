import { createResource, createSignal, For, onMount, Show } from 'solid-js';
import type { WireMember } from '../../sync-server/protocol/wire.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { hueOf } from '../ui/initials.ts';
import { useOffice } from './office-context.tsx';
import { Pane } from './pane.tsx';
import { applyTheme, keepTheme, readTheme, THEMES, type Theme } from './theme.ts';

/** What a person can set for themselves, and the owner for the office. */
export function SettingsPage(props: { onBack: () => void }) {
  const { office } = useOffice();
  return (
    <Pane title="Settings" onBack={props.onBack}>
      <div class="page">
        <Profile />
        <Appearance />
        <Brain />
        <ApiKeys />
        <Show when={office.me.role === 'owner'}>
          <People />
        </Show>
      </div>
    </Pane>
  );
}

function Profile() {
  const { office, signOut } = useOffice();
  const [said, setSaid] = createSignal<string>();
  const signOutOthers = async () => {
    const answer = await office.api.call('signOutOthers', {});
    setSaid(answer.ok ? 'Every other device is signed out.' : answer.error.message);
  };
  return (
    <section class="panel" aria-label="Profile">
      <div class="row">
        <Avatar name={office.me.name} hue={hueOf(office.me.id)} size={44} />
        <div class="grow">
          <h2>{office.me.name}</h2>
          <p class="hint">
            {office.me.email} · {office.me.role === 'owner' ? 'Owner' : 'Member'}
          </p>
        </div>
        <Button onClick={signOut}>Sign out</Button>
        <Button onClick={() => void signOutOthers()}>Sign out other devices</Button>
      </div>
      <Show when={said()}>
        <p class="hint" role="status">
          {said()}
        </p>
      </Show>
    </section>
  );
}

const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'Like this device', light: 'Light', dark: 'Dark' };

function Appearance() {
  const { office } = useOffice();
  const [theme, setTheme] = createSignal(readTheme(office.device.shelf));
  const choose = (next: Theme) => {
    setTheme(next);
    keepTheme(office.device.shelf, next);
    applyTheme(document.documentElement, next);
  };
  return (
    <section class="panel" aria-label="Appearance">
      <div class="row">
        <h2 class="grow">Theme</h2>
        <fieldset class="segmented" aria-label="Theme">
          <For each={THEMES}>
            {(each) => (
              <label>
                <input
                  class="visually-hidden"
                  type="radio"
                  name="theme"
                  checked={theme() === each}
                  onChange={() => choose(each)}
                />
                {THEME_NAMES[each]}
              </label>
            )}
          </For>
        </fieldset>
      </div>
    </section>
  );
}

function Brain() {
  const { office } = useOffice();
  const words = () => {
    const brain = office.state.brain;
    if (brain === null) return 'Not known yet.';
    if (brain.provider === 'rehearsal')
      return 'The rehearsal model: scripted lines, not AI. Install Ollama to switch over.';
    const model = brain.active_model ?? 'no model chosen';
    return brain.connected ? `Ollama, ${model}` : (brain.error ?? 'Ollama does not answer.');
  };
  return (
    <section class="panel" aria-label="Model">
      <h2>What answers</h2>
      <p>{words()}</p>
      <Show when={(office.state.brain?.models.length ?? 0) > 0}>
        <ul class="rows">
          <For each={office.state.brain?.models ?? []}>
            {(model) => (
              <li>
                <span class="grow">{model.name}</span>
                <span class="hint">{(model.size / 1e9).toFixed(1)} GB</span>
                <Show when={model.active}>
                  <span class="tag">active</span>
                </Show>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </section>
  );
}

function ApiKeys() {
  const { office } = useOffice();
  const [keys, { refetch }] = createResource(async () => {
    const answer = await office.api.call('apiKeys', {});
    return answer.ok ? answer.value.keys : [];
  });
  const [fresh, setFresh] = createSignal<string>();
  const [problem, setProblem] = createSignal<string>();
  const make = async (form: HTMLFormElement) => {
    const name = new FormData(form).get('name');
    const answer = await office.api.call('makeApiKey', { body: { name: typeof name === 'string' ? name : '' } });
    setProblem(answer.ok ? undefined : answer.error.message);
    if (!answer.ok) return;
    setFresh(answer.value.key);
    form.reset();
    void refetch();
  };
  const revoke = async (id: string) => {
    const answer = await office.api.call('revokeApiKey', { params: { id } });
    setProblem(answer.ok ? undefined : answer.error.message);
    void refetch();
  };
  return (
    <section class="panel" aria-label="API keys">
      <h2>API keys</h2>
      <p class="hint">For scripts and other programs. A key acts as you, and is shown once.</p>
      <Show when={fresh()}>
        {(key) => (
          <div class="field">
            <span class="field-label">Copy it now; it will not be shown again</span>
            <code class="secret">{key()}</code>
          </div>
        )}
      </Show>
      <Show when={problem()}>
        <p class="problem" role="alert">
          {problem()}
        </p>
      </Show>
      <ul class="rows">
        <For each={keys() ?? []}>
          {(key) => (
            <li>
              <span class="grow">{key.name}</span>
              <span class="hint">{new Date(key.created_at).toLocaleDateString()}</span>
              <Button small look="danger" aria-label={`Revoke ${key.name}`} onClick={() => void revoke(key.id)}>
                Revoke
              </Button>
            </li>
          )}
        </For>
      </ul>
      <form
        class="row"
        style={{ 'align-items': 'flex-end' }}
        onSubmit={(event) => {
          event.preventDefault();
          void make(event.currentTarget);
        }}
      >
        <div class="grow">
          <Field label="What the key is for" name="name" maxLength={60} required />
        </div>
        <Button type="submit">Make key</Button>
      </form>
    </section>
  );
}

function People() {
  const { office } = useOffice();
  const [link, setLink] = createSignal<{ readonly what: string; readonly address: string }>();
  const [problem, setProblem] = createSignal<string>();
  onMount(() => void office.refreshMembers());
  const invite = async () => {
    const answer = await office.api.call('invite', { body: {} });
    setProblem(answer.ok ? undefined : answer.error.message);
    if (answer.ok) setLink({ what: 'Invitation for one person', address: absolute(answer.value.link) });
  };
  const reset = async (member: WireMember) => {
    const answer = await office.api.call('resetLink', { params: { id: member.id } });
    setProblem(answer.ok ? undefined : answer.error.message);
    if (answer.ok) setLink({ what: `New password for ${member.name}`, address: absolute(answer.value.link) });
  };
  const toggle = async (member: WireMember) => {
    const answer = await office.api.call('updateMember', {
      params: { id: member.id },
      body: { disabled: !member.disabled },
    });
    setProblem(answer.ok ? undefined : answer.error.message);
    void office.refreshMembers();
  };
  return (
    <section class="panel" aria-label="People">
      <div class="row">
        <h2 class="grow">People</h2>
        <Button look="primary" onClick={() => void invite()}>
          Invite someone
        </Button>
      </div>
      <Show when={link()}>
        {(made) => (
          <div class="field">
            <span class="field-label">{made().what}: send them this link</span>
            <code class="secret">{made().address}</code>
          </div>
        )}
      </Show>
      <Show when={problem()}>
        <p class="problem" role="alert">
          {problem()}
        </p>
      </Show>
      <ul class="rows">
        <For each={office.state.members}>
          {(member) => (
            <li>
              <Avatar name={member.name} hue={hueOf(member.id)} size={32} />
              <span class="grow">
                {member.name} <span class="hint">{member.email}</span>
              </span>
              <Show when={member.disabled}>
                <span class="tag">disabled</span>
              </Show>
              <Show when={member.role !== 'owner'} fallback={<span class="tag">owner</span>}>
                <Button small look="quiet" onClick={() => void reset(member)}>
                  Reset link
                </Button>
                <Button small look="danger" onClick={() => void toggle(member)}>
                  {member.disabled ? 'Enable' : 'Disable'}
                </Button>
              </Show>
            </li>
          )}
        </For>
      </ul>
    </section>
  );
}

const absolute = (link: string): string => new URL(link, window.location.origin).href;
