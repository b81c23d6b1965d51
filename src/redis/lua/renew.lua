--[[
  The heartbeat of a lease. Works when memory is full.

  KEYS[1]  lease record

  ARGV[1]  control database
  ARGV[2]  owner
  ARGV[3]  fence
  ARGV[4]  lease time, ms
  ARGV[5]  how long an open record outlives its lease, ms

  Returns  { 'ok' }
           { 'lost', run id, host }  the record is another holder's; empty strings: there is none
]]
redis.call('SELECT', ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'open', 'run', 'host')
if lease[1] ~= ARGV[2] or lease[2] ~= ARGV[3] then
  return { 'lost', lease[4] or '', lease[5] or '' }
end
-- First a write that full memory does not refuse; after it the script may write anything.
redis.call('PEXPIRE', KEYS[1], lease[3] == '1' and ARGV[5] or ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'expires', string.format('%.0f', now + ARGV[4]))
return { 'ok' }
