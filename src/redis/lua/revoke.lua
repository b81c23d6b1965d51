--[[
  Takes a lease away from its holder, by name. An open record stays, expired and without an owner, so that the next
  lease may flush what the holder's file left; a clean one goes.

  KEYS[1]  lease record

  ARGV[1]  control database
  ARGV[2]  fence

  Returns  { 'ok', run id, host }
           { 'none' }  no such lease
]]
redis.call('SELECT', ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'fence', 'open', 'run', 'host')
if lease[1] ~= ARGV[2] then
  return { 'none' }
end
if lease[2] == '1' then
  redis.call('HSET', KEYS[1], 'owner', 'revoked', 'expires', '0')
else
  redis.call('DEL', KEYS[1])
end
return { 'ok', lease[3] or '', lease[4] or '' }
