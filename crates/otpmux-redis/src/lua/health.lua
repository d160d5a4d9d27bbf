-- KEYS: health.
return {'updates', updates(KEYS[1])}
