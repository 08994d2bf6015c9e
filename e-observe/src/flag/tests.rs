use super::Settings;
use clap::Parser;

#[test]
fn a_value_out_of_range_is_refused() {
    for (flag, value, taken) in [
        ("--mysql-connections", "0", false),
        ("--mysql-connections", "1", true),
        ("--mysql-connections", "10000", true),
        ("--mysql-connections", "10001", false),
        ("--redis-ttl", "0", false),
        ("--redis-ttl", "1", true),
        ("--redis-ttl", "86400", true),
        ("--redis-ttl", "86401", false),
        ("--grpc-upstream", "http://[::1]:50051", true),
        ("--grpc-upstream", "http://users:50051/", true),
        ("--grpc-upstream", "https://users:50051", false),
        ("--grpc-upstream", "http://users", false),
        ("--grpc-upstream", "http://user@users:50051", false),
        ("--grpc-upstream", "http://users:50051/path", false),
        ("--grpc-upstream", "http://users:50051/?query", false),
        ("--mysql-url", "mysql://localhost/goms", true),
        ("--mysql-url", "mysql://localhost", false),
        ("--mysql-url", "postgres://localhost/goms", false),
        ("--redis-url", "redis://localhost", true),
    ] {
        let settings = Settings::try_parse_from(["", flag, value]);
        assert_eq!(settings.is_ok(), taken, "{flag} {value}");
    }
}

/// tracing takes any word for a module, and a misspelt level would switch the log off.
#[test]
fn a_word_that_is_no_level_is_refused_with_the_nearest() {
    for (filter, told) in [
        ("inof", "`info`"),
        ("warn,debgu", "`debug`"),
        ("sqlx", "A module needs one"),
        ("info,", "a level is missing"),
        ("", "a level is missing"),
    ] {
        let refused = Settings::try_parse_from(["", "--log-filter", filter]);
        let error = refused.err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.contains(told), "{filter}: {error}");
    }
    for filter in [
        "OFF",
        "info,sqlx=debug",
        "e_observe::http",
        "warn, e_observe=trace",
    ] {
        let taken = Settings::try_parse_from(["", "--log-filter", filter]);
        assert!(taken.is_ok(), "{filter}: {:?}", taken.err());
    }
}
