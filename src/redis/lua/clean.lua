--[[
  The guarded flush after a file. Proves the lease, counts what the file left, leaves the database with nothing but the
  owner marker, and clears the open flag. Works when memory is full.

  KEYS[1]  lease record

  ARGV[1]  control database
  ARGV[2]  leased database
  ARGV[3]  owner
  ARGV[4]  fence
  ARGV[5]  lease time, ms
  ARGV[6]  run id
  ARGV[7]  flush in the background above this number of keys; 0: never

  Returns  { 'ok', keys left by the file }
           { 'lost', run id, host }  the record is another holder's; empty strings: there is none
           { 'newer', fence }        a newer holder has marked the database
           { 'foreign', keys }       the lease was not open and the keys are not ours: nothing was changed
]]
redis.call('SELECT', ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'open', 'run', 'host')
if lease[1] ~= ARGV[3] or lease[2] ~= ARGV[4] then
  return { 'lost', lease[4] or '', lease[5] or '' }
end

redis.call('SELECT', ARGV[2])
local keys = redis.call('DBSIZE')
local leftovers = keys
if keys > 0 then
  local marker = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  local fence = marker[1] == ARGV[1] and tonumber(marker[2])
  if lease[3] ~= '1' then
    if not fence then
      return { 'foreign', keys }
    end
    if fence > tonumber(ARGV[4]) then
      return { 'newer', marker[2] }
    end
  end
  if fence then
    leftovers = keys - 1
  end
end

-- First of all a write that full memory does not refuse; after it the script may write anything.
redis.call('SELECT', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('SELECT', ARGV[2])
if keys > 0 then
  local limit = tonumber(ARGV[7])
  if limit > 0 and keys > limit then
    redis.call('FLUSHDB', 'ASYNC')
  else
    redis.call('FLUSHDB')
  end
end
redis.call('HSET', 'tiershard:owner', 'control', ARGV[1], 'fence', ARGV[4], 'run', ARGV[6])

redis.call('SELECT', ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'open', '0', 'expires', string.format('%.0f', now + ARGV[5]))
return { 'ok', leftovers }
