-- SPDX-License-Identifier: Apache-2.0
SELECT state AS PayloadBinary, clock_timestamp() AS ReadOn, version AS Version
FROM orleans_grain
WHERE service_id = @ServiceId AND type_hash = @GrainTypeHash AND id_hash = @GrainIdHash AND id_high = @GrainIdN1 AND id_low = @GrainIdN0
  AND id_text = coalesce(@GrainIdExtensionString, '') AND type = @GrainTypeString
