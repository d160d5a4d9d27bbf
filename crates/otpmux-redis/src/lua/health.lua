-- KEYS: health.
return {'marks', marks(KEYS[1])}
