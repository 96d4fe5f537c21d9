-- SPDX-License-Identifier: Apache-2.0
-- The new version; the caller's own when another wrote since it read.
WITH updated AS (
    UPDATE orleans_grain
    SET state = @PayloadBinary, version = version + 1, changed = clock_timestamp()
    WHERE service_id = @ServiceId AND type_hash = @GrainTypeHash AND id_hash = @GrainIdHash AND id_high = @GrainIdN1
      AND id_low = @GrainIdN0 AND id_text = coalesce(@GrainIdExtensionString, '') AND type = @GrainTypeString
      AND version = @GrainStateVersion
    RETURNING version
), entered AS (
    INSERT INTO orleans_grain (service_id, type_hash, id_hash, id_high, id_low, id_text, type, state, version, changed)
    SELECT @ServiceId, @GrainTypeHash, @GrainIdHash, @GrainIdN1, @GrainIdN0, coalesce(@GrainIdExtensionString, ''),
           @GrainTypeString, @PayloadBinary, 1, clock_timestamp()
    WHERE @GrainStateVersion IS NULL
    ON CONFLICT DO NOTHING
    RETURNING version
)
SELECT coalesce((SELECT version FROM updated), (SELECT version FROM entered), @GrainStateVersion) AS NewGrainStateVersion
