import {
  createHash,
  constants as cryptoConstants,
  type KeyObject,
  publicDecrypt,
  X509Certificate,
} from 'node:crypto';
import { equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';

/** Largest SU3 file that we read, in bytes. Reseed bundles of 75-100 RouterInfos have 60-120 kB. */
export const MAX_SU3_SIZE = 1 << 20;
export const SU3_CONTENT_RESEED = 3;
export const SU3_FILE_ZIP = 0;

/** RSA-SHA512-4096, the only signature type that reseed signers use (Software Updates, "SU3 Reseed File"). */
const SIGNATURE_TYPE = 6;
const SIGNATURE_LENGTH = 512;
const RSA_BITS = 4096;
const MAGIC = Buffer.from('I2Psu3', 'latin1');
/** Software Updates: the version is padded with zeros to at least 16 bytes */
const MIN_VERSION_LENGTH = 16;

export interface Su3 {
  readonly fileType: number;
  readonly contentType: number;
  /** for reseed bundles the seconds since 1970, in ASCII */
  readonly version: string;
  readonly signerId: string;
  readonly content: Uint8Array;
  /** what the signature covers: everything before it */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * An SU3 file (Software Updates, "SU3 File Specification"); views into `bytes`. Nothing is verified yet.
 * Throws `DecodeError`.
 */
export function decodeSu3(bytes: Uint8Array): Su3 {
  const input = new ByteReader(bytes, 'SU3');
  if (bytes.length > MAX_SU3_SIZE) input.fail('length', `${bytes.length} bytes`);
  if (!equalBytes(input.bytes(6), MAGIC)) input.fail('value', 'magic');
  zeros(input, 1);
  if (input.u8() !== 0) input.fail('unsupported', 'format version');
  if (input.u16() !== SIGNATURE_TYPE) input.fail('unsupported', 'signature type');
  if (input.u16() !== SIGNATURE_LENGTH) input.fail('length', 'signature');
  zeros(input, 1);
  const versionLength = input.u8();
  if (versionLength < MIN_VERSION_LENGTH) input.fail('length', 'version');
  zeros(input, 1);
  const signerLength = input.u8();
  if (signerLength === 0) input.fail('length', 'signer ID');
  const contentLength = input.u64();
  zeros(input, 1);
  const fileType = input.u8();
  zeros(input, 1);
  const contentType = input.u8();
  zeros(input, 12);
  const version = text(input, versionLength).replace(/\0+$/, '');
  const signerId = text(input, signerLength);
  const content = input.bytes(contentLength);
  const signed = input.since(0);
  const signature = input.bytes(SIGNATURE_LENGTH);
  input.expectEnd();
  return { fileType, contentType, version, signerId, content, signed, signature };
}

export interface SignerCertificate {
  /** common name of the subject, e.g. `igor@novg.net` */
  readonly signerId: string;
  /** ms since 1970 */
  readonly validFrom: number;
  readonly validTo: number;
  readonly key: KeyObject;
}

/**
 * A pinned X.509 certificate in PEM. Throws `DecodeError`: certificates come from the operator or from our own folder,
 * and a broken one must not pass for an absent one.
 */
export function readSignerCertificate(pem: string): SignerCertificate {
  const { subject, publicKey, validFrom, validTo } = partsOf(pem);
  const signerId = /^CN=(.+)$/m.exec(subject)?.[1];
  if (signerId === undefined) throw new DecodeError('value', 'X.509 certificate', 0, 'no common name');
  if (publicKey.asymmetricKeyType !== 'rsa' || publicKey.asymmetricKeyDetails?.modulusLength !== RSA_BITS) {
    throw new DecodeError('unsupported', 'X.509 certificate', 0, 'not RSA-4096');
  }
  return { signerId, validFrom: Date.parse(validFrom), validTo: Date.parse(validTo), key: publicKey };
}

/** The key is read when it is asked for, and may be none although the certificate is one. */
function partsOf(pem: string): Pick<X509Certificate, 'subject' | 'publicKey' | 'validFrom' | 'validTo'> {
  try {
    const { subject, publicKey, validFrom, validTo } = new X509Certificate(pem);
    return { subject, publicKey, validFrom, validTo };
  } catch {
    throw new DecodeError('value', 'X.509 certificate', 0);
  }
}

export type Su3Verdict = 'valid' | 'signer' | 'certificate-date' | 'signature';

/**
 * Whether `certificate` belongs to the signer that the file names, is valid at `now` and signed it.
 *
 * The trap: SU3 signs the bare SHA-512 hash, padded by PKCS#1 v1.5 type 1 but without the DigestInfo prefix
 * (`NONEwithRSA` in Java), so an ordinary RSA-SHA512 verification refuses every genuine file.
 */
export function verifySu3(su3: Su3, certificate: SignerCertificate, now: number): Su3Verdict {
  if (su3.signerId !== certificate.signerId) return 'signer';
  // negated so that a date that did not parse (NaN) is refused too
  if (!(now >= certificate.validFrom && now <= certificate.validTo)) return 'certificate-date';
  const hash = createHash('sha512').update(su3.signed).digest();
  let recovered: Uint8Array;
  try {
    recovered = publicDecrypt(
      { key: certificate.key, padding: cryptoConstants.RSA_PKCS1_PADDING },
      su3.signature,
    );
  } catch {
    return 'signature';
  }
  return equalBytes(recovered, hash) ? 'valid' : 'signature';
}

function zeros(input: ByteReader, length: number): void {
  for (const byte of input.bytes(length)) if (byte !== 0) input.fail('value', 'reserved byte');
}

function text(input: ByteReader, length: number): string {
  const bytes = input.bytes(length);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return input.fail('value', 'UTF-8');
  }
}
