/**
 * What test code may do under the user of its lease, and what it may not: the commands that an isolated database has to
 * allow or deny. The user holds database 3; database 5 is somebody else's.
 */
export interface CommandCase {
  readonly command: readonly string[]
  /** Run before it, as the same user. */
  readonly after?: readonly (readonly string[])[]
}

const of = (line: string, ...after: string[]): CommandCase => ({
  command: line.split(' '),
  after: after.map((one) => one.split(' ')),
})

/** What test code needs: none of it may be denied, or leave anything in the server's ACL log. */
export const ALLOWED: readonly CommandCase[] = [
  of('PING'),
  of('SET k v PX 5000'),
  of('GET k'),
  of('SELECT 3'),
  of('DBSIZE'),
  of('KEYS *'),
  of('SCAN 0 COUNT 10'),
  of('RANDOMKEY'),
  of('FLUSHDB'),
  of('FLUSHDB ASYNC'),
  of('INFO server'),
  of('ROLE'),
  of('TIME'),
  of('HELLO 3'),
  of('CLIENT SETNAME me'),
  of('CLIENT GETNAME'),
  of('CLIENT ID'),
  of('CLIENT INFO'),
  of('CLIENT LIST'),
  of('CLIENT TRACKING OFF'),
  of('CONFIG GET maxmemory'),
  of('COMMAND COUNT'),
  of('ACL WHOAMI'),
  of('MEMORY USAGE k'),
  of('OBJECT ENCODING k', 'SET k v'),
  of('DUMP k', 'SET k v'),
  of('SORT l', 'DEL l', 'RPUSH l 2 1'),
  of('SORT_RO l', 'DEL l', 'RPUSH l 2 1'),
  of('RENAME k k2', 'SET k v'),
  of('EXPIRE k 100', 'SET k v'),
  of('INCR n', 'DEL n'),
  of('HSET h f v', 'DEL h'),
  of('ZADD z 1 a', 'DEL z'),
  of('BLPOP l 0.01', 'DEL l', 'RPUSH l a'),
  of('XADD x * f v', 'DEL x'),
  of('XGROUP CREATE y g $ MKSTREAM', 'DEL y'),
  of('PFADD p a', 'DEL p'),
  of('SETBIT b 7 1', 'DEL b'),
  of('GEOADD g 13 38 here', 'DEL g'),
  of('PUBLISH channel message'),
  of('PUBSUB CHANNELS'),
  of('SCRIPT LOAD return'),
  of('SCRIPT EXISTS ffffffffffffffffffffffffffffffffffffffff'),
  of('FUNCTION LIST'),
  of('WAIT 0 1'),
  of('UNLINK k'),
]

/** Other databases: reading, writing, flushing, or moving keys there. */
export const OTHER_DATABASE: readonly CommandCase[] = [
  of('SELECT 5'),
  of('SELECT 0'),
  of('MOVE k 5', 'SET k v'),
  of('COPY k k DB 5', 'SET k v'),
  of('SWAPDB 3 5'),
  of('FLUSHALL'),
  of('FLUSHALL ASYNC'),
  of('MIGRATE 127.0.0.1 1 k 5 10', 'SET k v'),
]

/** The server as a whole, or other clients of it. */
export const SERVER_WIDE: readonly CommandCase[] = [
  of('CONFIG SET maxmemory 1gb'),
  of('CONFIG RESETSTAT'),
  of('CONFIG REWRITE'),
  of('SHUTDOWN NOSAVE'),
  of('SAVE'),
  of('BGSAVE'),
  of('BGREWRITEAOF'),
  of('REPLICAOF NO ONE'),
  of('FAILOVER ABORT'),
  of('MONITOR'),
  of('CLIENT KILL TYPE normal'),
  of('CLIENT PAUSE 1'),
  of('CLIENT UNPAUSE'),
  of('CLIENT UNBLOCK 1'),
  of('CLIENT NO-EVICT ON'),
  of('SCRIPT FLUSH'),
  of('SCRIPT KILL'),
  of('FUNCTION FLUSH'),
  of('FUNCTION DELETE lib'),
  of('ACL SETUSER other on'),
  of('ACL DELUSER default'),
  of('ACL LOG RESET'),
  of('ACL LIST'),
  of('MODULE LIST'),
  of('SLOWLOG RESET'),
  of('LATENCY RESET'),
  of('MEMORY PURGE'),
  of('CLUSTER RESET'),
  of('LASTSAVE'),
]
