import { type Duplex, duplexPair } from 'node:stream';

/** Both ends of a stream: one that is destroyed before both directions ended resets the other. */
export function i2pPair(): [Duplex, Duplex] {
  const [a, b] = duplexPair();
  const couple = (from: Duplex, to: Duplex): void => {
    from.on('error', () => {});
    from.once('close', () => {
      if (!(from.readableEnded && from.writableFinished)) to.destroy(new Error('reset by the other side'));
    });
  };
  couple(a, b);
  couple(b, a);
  return [a, b];
}
