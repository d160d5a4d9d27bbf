-- KEYS: health.
return {'updates', updates(redis.call('GET', KEYS[1]))}
