import { DecodeError } from '@allium/common/bytes/errors.ts';
import { type UnzipFileInfo, unzipSync } from 'fflate';

/** Entries of one bundle; real ones hold 75-100 RouterInfos. More are refused, not skipped. */
export const MAX_BUNDLE_ENTRIES = 500;
/** Bytes of one RouterInfo, as everywhere. */
export const MAX_ENTRY_SIZE = 3072;
/** All entries unpacked, in bytes. */
export const MAX_BUNDLE_SIZE = MAX_BUNDLE_ENTRIES * MAX_ENTRY_SIZE;
/** Deflate may add some bytes to what cannot be compressed. */
const DEFLATE_OVERHEAD = 64;
/** Keys and signatures are random: a RouterInfo never shrinks to less than this part of itself. */
const MAX_RATIO = 16;

/** Software Updates: RouterInfos lie at the top level, named by their hash in I2P's Base64. */
const ENTRY_NAME = /^routerInfo-[A-Za-z0-9~-]{43}=\.dat$/;

/**
 * The RouterInfo files of a reseed ZIP with their names, unpacked one by one as the caller takes them. Sizes come from
 * the central directory and are all checked before anything is unpacked. The buffer has the declared size, so an entry
 * that lies about it is cut and then fails as a RouterInfo; it costs the time of unpacking 3 kB of deflate (up to 3 MB,
 * 15 ms), so the caller gives up after some bad ones. Throws `DecodeError`.
 */
export function* unpackBundle(zip: Uint8Array): Generator<[string, Uint8Array]> {
  const guard = new BundleGuard();
  unzip(zip, (file) => guard.refuse(file));
  for (const name of guard.wanted) {
    const bytes = unzip(zip, (file) => file.name === name)[name];
    if (bytes) yield [name, bytes];
  }
}

function unzip(zip: Uint8Array, filter: (file: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
  try {
    return unzipSync(zip, { filter });
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError('value', 'reseed ZIP', 0, 'not a ZIP file');
  }
}

class BundleGuard {
  readonly wanted: string[] = [];
  readonly #names = new Set<string>();
  #total = 0;

  /** Always false: it only looks. */
  refuse({ name, size, originalSize, compression }: UnzipFileInfo): false {
    if (this.#names.size >= MAX_BUNDLE_ENTRIES) fail('length', 'too many entries');
    if (this.#names.has(name)) fail('value', 'entry twice');
    this.#names.add(name);
    if (!ENTRY_NAME.test(name)) return false;
    if (compression !== 0 && compression !== 8) fail('unsupported', 'compression method');
    if (originalSize > MAX_ENTRY_SIZE || size > originalSize + DEFLATE_OVERHEAD)
      fail('length', 'entry too large');
    if (originalSize > size * MAX_RATIO) fail('length', 'entry compressed too well');
    this.wanted.push(name);
    this.#total += originalSize;
    if (this.#total > MAX_BUNDLE_SIZE) fail('length', 'too large in all');
    return false;
  }
}

function fail(code: 'length' | 'value' | 'unsupported', why: string): never {
  throw new DecodeError(code, 'reseed ZIP', 0, why);
}
