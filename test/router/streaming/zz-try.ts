import { StreamNet, pattern, pump } from '/work/main/test/router/streaming/stream-net.ts';
function trial(name: string, link: any, size = 5_000_000, both = false) {
  const t0 = performance.now();
  const net = new StreamNet(link, name);
  const a = net.endpoint('alice'); const b = net.endpoint('bob');
  b.step({ kind: 'listen', port: 80 });
  const body = pattern(size);
  const s = a.connect(b.hash, 80, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  if (both) pump(a, s, body); else a.step({kind:'end', stream: s});
  let started = false;
  b.onEvent = (e) => { if (e.kind === 'opened' && !started) { started = true; const before=b.onEvent; pump(b, e.stream, body); } };
  const took = net.time.run(600_000, () => a.of(s).over !== undefined);
  const ok = a.received(s).equals(body);
  console.log(name, 'ms', Math.round(took), 'KB/s', Math.round(size / took), 'ok', ok, a.of(s).over, a.of(s).reason, 'sent', a.sent, b.sent, 'cpu', Math.round(performance.now() - t0),
   both ? b.received(b.accepted()).length : '', b.of(b.accepted()).over);
}
trial('lan', { delay: 10 });
trial('lan-rate', { delay: 15, rate: 3 });
trial('300ms', { delay: 150 });
trial('300ms-rate', { delay: 150, rate: 1, queue: 300 });
trial('loss5', { delay: 50, loss: 0.05 });
trial('1s', { delay: 500 }, 2_000_000);
trial('1s loss 2%', { delay: 500, loss: 0.02 }, 2_000_000);
trial('jitter', { delay: 150, jitter: 80, loss: 0.02 }, 2_000_000, true);
