-- Whoever sends transactions is elected as whoever writes the log is: by a lock that ends with its process.
DROP TABLE lease;
