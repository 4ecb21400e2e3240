/** One HTTPS server with signed bundles. */
export interface ReseedServer {
  /** folder that holds `i2pseeds.su3`, with a slash at the end */
  readonly url: string;
  /** the only signer whose bundles are taken from this server */
  readonly signerId: string;
  /** SHA-256 of the TLS certificate, as `AA:BB:…`; for self-signed ones and for stricter pinning */
  readonly tlsFingerprint?: string;
  /** a TLS certificate to trust for this server instead of the public authorities */
  readonly tlsCertificatePem?: string;
}

/** The servers of the live network (netId 2). Origin: certificates/README.md. */
export const RESEED_SERVERS: readonly ReseedServer[] = [
  { url: 'https://reseed2.i2p.net/', signerId: 'echelon3@mail.i2p' },
  { url: 'https://reseed.diva.exchange/', signerId: 'reseed@diva.exchange' },
  { url: 'https://reseed-fr.i2pd.xyz/', signerId: 'r4sas-reseed@mail.i2p' },
  { url: 'https://reseed.onion.im/', signerId: 'lazygravy@mail.i2p' },
  { url: 'https://reseed.i2pgit.org/', signerId: 'hankhill19580@gmail.com' },
  { url: 'https://coconut.incognet.io/', signerId: 'rambler@mail.i2p' },
  { url: 'https://reseed-pl.i2pd.xyz/', signerId: 'r4sas-reseed@mail.i2p' },
  { url: 'https://www2.mk16.de/', signerId: 'i2p-reseed@mk16.de' },
  { url: 'https://i2p.novg.net/', signerId: 'igor@novg.net' },
  { url: 'https://reseed.stormycloud.org/', signerId: 'admin@stormycloud.org' },
];
