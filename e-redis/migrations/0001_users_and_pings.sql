-- A server's default character set may be latin1, and a default collation finds that
-- 'é' = 'e'. A name is kept as it came.
CREATE TABLE users (
    uid  BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(18) NOT NULL,
    sex  TINYINT     NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A row for each way in, so that a ping is one update.
CREATE TABLE pings (
    protocol CHAR(4) NOT NULL PRIMARY KEY,
    count    BIGINT  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii;

INSERT INTO pings (protocol, count) VALUES ('http', 0), ('grpc', 0);
