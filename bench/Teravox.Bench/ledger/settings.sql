-- SPDX-License-Identifier: Apache-2.0
-- What makes the server durable and quick, and whatever else is not as it comes.
SELECT name, current_setting(name) FROM pg_settings
WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'wal_level', 'wal_buffers',
               'shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'commit_delay', 'autovacuum', 'max_connections')
   OR source IN ('configuration file', 'command line')
      AND name NOT IN ('DateStyle', 'TimeZone', 'log_timezone', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time',
                       'default_text_search_config', 'dynamic_shared_memory_type', 'port', 'unix_socket_directories',
                       'unix_socket_permissions', 'listen_addresses', 'logging_collector', 'min_wal_size', 'data_directory', 'hba_file', 'ident_file', 'config_file')
ORDER BY name
