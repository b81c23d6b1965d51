--[[
  Declares the content of a database ours, by name: writes the owner marker, so that the next lease may flush it.

  KEYS[1]  lease record
  KEYS[2]  fences

  ARGV[1]  control database
  ARGV[2]  database to adopt

  Returns  { 'ok', number of keys }
           { 'empty' }             nothing to adopt
           { 'held', run id, host } a living lease has it
]]
redis.call('SELECT', ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease = redis.call('HMGET', KEYS[1], 'owner', 'expires', 'run', 'host')
if lease[1] and tonumber(lease[2] or 0) > now then
  return { 'held', lease[3] or '', lease[4] or '' }
end
local fence = redis.call('HGET', KEYS[2], ARGV[2]) or '0'

redis.call('SELECT', ARGV[2])
local keys = redis.call('DBSIZE')
if keys == 0 then
  return { 'empty' }
end
redis.call('DEL', 'tiershard:owner')
redis.call('HSET', 'tiershard:owner', 'control', ARGV[1], 'fence', fence, 'run', '')
return { 'ok', keys }
