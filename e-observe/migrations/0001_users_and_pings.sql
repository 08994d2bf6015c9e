-- MySQL commits each statement by itself. A step that was cut off is done again, so every
-- statement has to bear that.

-- A server's default character set may be latin1, and a default collation finds that
-- 'é' = 'e'. A name is kept as it came.
CREATE TABLE IF NOT EXISTS users (
    uid  BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(18) NOT NULL,
    sex  TINYINT     NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A row for each way in, so that a ping is one update.
CREATE TABLE IF NOT EXISTS pings (
    protocol CHAR(4) NOT NULL PRIMARY KEY,
    count    BIGINT  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii;

INSERT IGNORE INTO pings (protocol, count) VALUES ('http', 0), ('grpc', 0);
