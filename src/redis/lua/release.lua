--[[
  Gives a database back: empties it if what it holds is ours, and removes the lease record. A database that was leased
  and never opened is left as it is.

  KEYS[1]  lease record

  ARGV[1]  control database
  ARGV[2]  leased database
  ARGV[3]  owner
  ARGV[4]  fence
  ARGV[5]  flush in the background above this number of keys; 0: never

  Returns  { 'ok' }
           { 'lost', run id, host }  the record is another holder's; empty strings: there is none. Nothing was changed
]]
redis.call('SELECT', ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'open', 'run', 'host')
if lease[1] ~= ARGV[3] or lease[2] ~= ARGV[4] then
  return { 'lost', lease[4] or '', lease[5] or '' }
end

redis.call('SELECT', ARGV[2])
local keys = redis.call('DBSIZE')
if keys > 0 then
  local marker = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  local fence = marker[1] == ARGV[1] and tonumber(marker[2])
  if lease[3] == '1' or (fence and fence <= tonumber(ARGV[4])) then
    local limit = tonumber(ARGV[5])
    if limit > 0 and keys > limit then
      redis.call('FLUSHDB', 'ASYNC')
    else
      redis.call('FLUSHDB')
    end
  end
end

redis.call('SELECT', ARGV[1])
redis.call('DEL', KEYS[1])
return { 'ok' }
