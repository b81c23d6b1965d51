--[[
  The guarded flush before a file. Proves the lease, proves that what is in the database is ours, leaves it empty
  without a marker, and sets the open flag in the lease record: from here on everything in it belongs to the lease.

  KEYS[1]  lease record

  ARGV[1]  control database
  ARGV[2]  leased database
  ARGV[3]  owner
  ARGV[4]  fence
  ARGV[5]  lease time, ms
  ARGV[6]  how long an open record outlives its lease, ms
  ARGV[7]  flush in the background above this number of keys; 0: never

  Returns  { 'ok' }
           { 'lost', run id, host }  the record is another holder's; empty strings: there is none
           { 'newer', fence }        a newer holder has marked the database
           { 'foreign', keys }       the database holds keys that are not ours: nothing was changed
  Errors   OOM when the server's memory is full of other data: the file would fail for no fault of its own
]]
redis.call('SELECT', ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'open', 'run', 'host')
if lease[1] ~= ARGV[3] or lease[2] ~= ARGV[4] then
  return { 'lost', lease[4] or '', lease[5] or '' }
end

redis.call('SELECT', ARGV[2])
local keys = redis.call('DBSIZE')
if keys > 0 and lease[3] ~= '1' then
  local marker = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  local fence = marker[1] == ARGV[1] and tonumber(marker[2])
  if not fence then
    return { 'foreign', keys }
  end
  if fence > tonumber(ARGV[4]) then
    return { 'newer', marker[2] }
  end
end

redis.call('SELECT', ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local expires = string.format('%.0f', now + ARGV[5])
-- The first write of a script is refused when memory is full, later ones are not: so this is also the check.
local written = redis.pcall('HSET', KEYS[1], 'open', '1', 'expires', expires)
local full = type(written) == 'table' and written.err
if full and keys <= 1 then
  return written
end
if keys > 0 then
  redis.call('SELECT', ARGV[2])
  local limit = tonumber(ARGV[7])
  if limit > 0 and keys > limit then
    redis.call('FLUSHDB', 'ASYNC')
  else
    redis.call('FLUSHDB')
  end
  redis.call('SELECT', ARGV[1])
end
if full then
  redis.call('HSET', KEYS[1], 'open', '1', 'expires', expires)
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return { 'ok' }
