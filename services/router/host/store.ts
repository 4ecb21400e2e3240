import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Counters } from '@allium/common/observe/counters.ts';

export const STORE_TABLES = ['router_info', 'profile', 'first_hop', 'learnt_name'] as const;
export type StoreTable = (typeof STORE_TABLES)[number];

/** Rows of a table read back at start; more than its owner may hold would only be evicted again. */
const MAX_ROWS = 10_000;

/** Rows of the NetDB, of peer profiles, first hops and learnt names, kept across restarts. */
export interface Store {
  put(table: StoreTable, key: string, value: Uint8Array): void;
  remove(table: StoreTable, key: string): void;
  all(table: StoreTable): { key: string; value: Uint8Array }[];
  /** writes what was put since the last flush in one transaction */
  flush(): void;
  readonly counters: Counters;
  close(): void;
}

/** Changes waiting for the next flush; over this the oldest table writes are flushed at once. */
const MAX_PENDING = 2_000;

/**
 * A store in one SQLite file. Writes are collected and flushed in one transaction, so kill -9 loses the last few
 * seconds and never the rest. A disk that is full or a failing write is counted and tried again with the next flush;
 * a file that is no database is moved aside (`.damaged`) and a new one begun. Where no file can be opened at all, as on
 * a full disk, the router lives without: the rows are kept in memory, and that is counted too.
 */
export function openStore(dataDir: string): Store {
  const file = join(dataDir, 'netdb.sqlite');
  const counters = new Counters();
  try {
    return sqliteStore(openOrReplace(file, counters), counters);
  } catch {
    counters.add('open-failed');
    return sqliteStore(open(':memory:'), counters);
  }
}

function openOrReplace(file: string, counters: Counters): DatabaseSync {
  try {
    return open(file);
  } catch (error) {
    if (!(error instanceof DamagedError) && !isDamage(error)) throw error;
    counters.add('damaged-file');
    renameSync(file, `${file}.damaged`);
    for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    return open(file);
  }
}

class DamagedError extends Error {}

/** SQLITE_CORRUPT and SQLITE_NOTADB; the upper bytes of an error code hold details. */
function isDamage(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  return errcode !== undefined && [11, 26].includes(errcode & 0xff);
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;');
  for (const table of STORE_TABLES) {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID`,
    );
  }
  const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check?: string } | undefined;
  if (check?.quick_check !== 'ok') {
    database.close();
    throw new DamagedError();
  }
  return database;
}

function sqliteStore(database: DatabaseSync, counters: Counters): Store {
  const statements = Object.fromEntries(
    STORE_TABLES.map((table) => [
      table,
      {
        put: database.prepare(`INSERT OR REPLACE INTO ${table} (key, value) VALUES (?, ?)`),
        remove: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
        all: database.prepare(`SELECT key, value FROM ${table} LIMIT ${MAX_ROWS}`),
      },
    ]),
  ) as Record<StoreTable, { put: StatementSync; remove: StatementSync; all: StatementSync }>;
  const pending = new Map<string, { table: StoreTable; key: string; value: Uint8Array | undefined }>();

  const change = (table: StoreTable, key: string, value: Uint8Array | undefined): void => {
    pending.set(`${table}/${key}`, { table, key, value });
    if (pending.size >= MAX_PENDING) flush();
  };
  const flush = (): void => {
    if (pending.size === 0) return;
    try {
      database.exec('BEGIN');
      for (const { table, key, value } of pending.values()) {
        if (value === undefined) statements[table].remove.run(key);
        else statements[table].put.run(key, value);
      }
      database.exec('COMMIT');
      counters.add('written', pending.size);
      pending.clear();
    } catch {
      counters.add('write-failed');
      if (database.isTransaction) database.exec('ROLLBACK');
      if (pending.size >= MAX_PENDING) pending.clear();
    }
  };
  return {
    counters,
    put: (table, key, value) => change(table, key, value),
    remove: (table, key) => change(table, key, undefined),
    all: (table) => rows(statements[table].all, counters),
    flush,
    close: () => {
      flush();
      database.close();
    },
  };
}

/** A damaged page ends the reading; what was read before it is kept. */
function rows(statement: StatementSync, counters: Counters): { key: string; value: Uint8Array }[] {
  const found: { key: string; value: Uint8Array }[] = [];
  try {
    for (const row of statement.iterate()) {
      const { key, value } = row as { key: unknown; value: unknown };
      if (typeof key === 'string' && value instanceof Uint8Array) found.push({ key, value });
      else counters.add('damaged-row');
    }
  } catch {
    counters.add('read-failed');
  }
  return found;
}
