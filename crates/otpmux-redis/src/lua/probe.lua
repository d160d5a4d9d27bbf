-- KEYS: one that nobody reads.
-- A write that takes memory and is replicated, as a new verification is: a Redis that refuses those
-- refuses this.
redis.call('SET', KEYS[1], ARGV[1], 'PX', '60000')
return {'written'}
