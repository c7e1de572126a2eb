// Loaded into every server under test (node --import): answers over IPC what the process has used so far.
process.on('message', (message) => {
  if (message?.type !== 'bench:usage') return;
  if (message.collect) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({
    type: 'bench:usage',
    id: message.id,
    cpuMicros: user + system,
    rssBytes: rss,
    heldBytes: heapUsed + external,
  });
});
// Whoever started the servers is gone: nobody else would end them.
process.on('disconnect', () => process.exit(0));
// The probe alone must not keep a server alive, nor change how it ends.
process.channel?.unref();
