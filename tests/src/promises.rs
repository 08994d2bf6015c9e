//! The promises, each with the lesson that brings it.

mod bad;
mod cluster;
mod command;
mod files;
mod filter;
mod grpc;
mod http;
mod itself;
mod load;
mod login;
mod mysql;
mod observe;
mod pool;
mod process;
pub(crate) mod red;
mod redis;
mod schema;
mod session;
mod settings;
mod stop;
mod threads;
mod yaml;

use crate::readme;
use crate::readme::Blocks;
use crate::stage::Stage;
use ladder::Ladder;
use ladder::Lesson;
use std::pin::Pin;

/// Checks a promise on a stage.
pub(crate) type Run = for<'a> fn(&'a Stage) -> Pin<Box<dyn Checked + 'a>>;

/// What a check is while it runs.
pub(crate) trait Checked: Future<Output = anyhow::Result<()>> {}

impl<F: Future<Output = anyhow::Result<()>>> Checked for F {}

/// A promise.
pub(crate) struct Promise {
    pub(crate) name: &'static str,
    /// The first lesson that keeps it; so do all that grow out of it.
    pub(crate) since: &'static str,
    pub(crate) run: Run,
    /// If it is about the lesson's README: which blocks of it.
    pub(crate) blocks: Option<Blocks>,
    /// The lessons that are known not to keep it, each with the reason.
    pub(crate) broken: &'static [(&'static str, &'static str)],
}

impl Promise {
    /// Whether a lesson gives it.
    pub(crate) fn is_kept_by(&self, ladder: &Ladder, lesson: &Lesson) -> bool {
        let asked = |blocks: Blocks| blocks.stand_in(ladder, lesson);
        lesson.has(self.since) && self.blocks.is_none_or(asked)
    }

    /// Why the lesson does not keep it, if that is known.
    pub(crate) fn broken_on(&self, lesson: &Lesson) -> Option<&'static str> {
        let mut broken = self.broken.iter();
        let known = broken.find(|(name, _)| *name == lesson.name);
        known.map(|(_, reason)| *reason)
    }
}

/// Lists functions as promises, under their own names. One may be followed by `of` and the
/// blocks of a README that it is about, and by any number of
/// `broken on "e-kratos" because "its framework closes connections by itself"`.
macro_rules! promises {
    ($($since:literal: $($module:ident::$name:ident $(of $blocks:ident)?
        $(broken on $lesson:literal because $reason:literal)*),+;)+) => {
        &[$($(Promise {
            name: stringify!($name),
            since: $since,
            run: |stage| Box::pin($module::$name(stage)),
            blocks: promises!(@blocks $($blocks)?),
            broken: &[$(($lesson, $reason)),*],
        }),+),+]
    };
    (@blocks) => { None };
    (@blocks $blocks:ident) => { Some(Blocks::$blocks) };
}

/// All promises.
pub(crate) const ALL: &[Promise] = promises! {
    "e-docker":
        process::it_starts_and_says_so,
        process::it_stops_at_once_on_sigterm,
        process::it_stops_at_once_on_sigint,
        readme::its_readme_shows_what_happens of Plain,
        readme::its_readme_shows_what_docker_does of Docker;
    "e-module":
        command::a_user_is_created_and_printed,
        command::a_bad_argument_is_refused_in_one_line;
    "e-yaml":
        command::commands_create_read_update_and_delete,
        command::a_second_process_is_kept_out,
        yaml::a_bad_file_is_refused_with_its_line,
        yaml::of_processes_that_start_together_one_gets_the_file,
        yaml::the_file_keeps_its_permissions,
        yaml::a_link_is_followed,
        yaml::a_killed_command_loses_no_user,
        yaml::a_full_disk_leaves_the_old_file;
    "e-flag":
        process::a_bad_flag_is_refused_with_exit_code_2,
        filter::a_misspelt_level_is_refused_with_the_nearest,
        yaml::a_missing_folder_is_named;
    "e-http":
        http::forms_create_read_update_and_delete,
        http::json_creates_reads_updates_and_deletes,
        http::pings_are_counted_one_by_one,
        http::users_outlive_a_restart,
        bad::an_error_is_a_problem_document,
        yaml::a_killed_service_loses_no_user,
        yaml::a_full_disk_refuses_writes_and_nothing_else,
        yaml::a_folder_that_cannot_be_written_refuses_writes,
        load::each_client_reads_back_its_own_user,
        bad::a_bad_head_is_refused,
        bad::a_method_is_refused_with_those_allowed,
        bad::an_old_client_is_answered,
        bad::a_body_that_breaks_off_is_refused,
        bad::one_request_is_never_taken_for_two,
        bad::a_bad_field_is_refused,
        bad::a_number_is_read_in_one_way,
        bad::what_nobody_asked_for_is_ignored,
        process::a_taken_port_fails_the_start_in_one_line,
        bad::a_request_needs_one_valid_host,
        bad::a_content_coding_is_refused,
        bad::a_transfer_coding_is_refused,
        bad::a_whole_number_of_json_is_read_as_one,
        threads::a_lack_of_threads_stops_no_later_write,
        threads::a_start_without_threads_fails_in_one_line,
        process::a_second_signal_exits_at_once;
    "e-grpc":
        readme::its_readme_shows_what_grpcurl_prints of Grpcurl,
        grpc::calls_create_read_update_and_delete,
        grpc::pings_are_counted_apart_from_http,
        grpc::another_instance_serves_as_a_store,
        grpc::who_would_ask_itself_does_not_start,
        itself::who_would_ask_itself_by_another_name_does_not_start,
        bad::a_call_of_another_content_type_is_refused,
        load::each_caller_reads_back_its_own_user,
        load::pings_by_grpc_are_counted_one_by_one,
        bad::old_and_new_clients_are_told_the_contract,
        bad::random_calls_break_nothing;
    "e-conf":
        process::a_missing_configuration_fails_the_start_in_one_line,
        settings::flags_beat_the_environment_and_that_beats_the_files,
        files::a_file_without_settings_is_no_error,
        files::what_others_leave_beside_the_files_is_not_read,
        files::a_file_that_ends_in_yml_is_refused,
        settings::a_bad_setting_is_refused_with_its_source;
    "e-mysql":
        readme::its_readme_shows_what_mysql_prints of Mysql,
        session::a_database_has_one_name,
        process::without_mysql_it_does_not_start,
        settings::a_password_is_never_shown,
        command::two_replicas_share_their_users,
        load::slow_requests_are_answered_after_the_stop,
        load::an_exhausted_pool_is_told_within_a_second,
        mysql::replicas_that_start_together_migrate_once,
        schema::an_up_to_date_schema_asks_for_no_right_to_create,
        schema::it_starts_on_a_read_only_server,
        schema::a_foreign_table_is_refused,
        schema::a_failed_migration_tells_its_cause_once,
        files::an_empty_variable_names_no_database,
        session::an_unknown_parameter_of_the_url_is_refused_by_name,
        session::a_servers_defaults_lose_no_acknowledged_write,
        session::a_connection_that_cannot_write_is_not_used_again,
        session::an_error_that_may_pass_is_told_as_503,
        session::a_refused_login_is_told_as_503,
        cluster::the_victim_of_a_deadlock_is_tried_again,
        cluster::conflicts_lose_no_ping_and_count_none_twice,
        cluster::a_deadlock_that_does_not_end_is_told_as_503,
        login::a_slow_login_refuses_nobody_for_good;
    "e-redis":
        readme::its_readme_shows_what_redis_cli_prints of RedisCli,
        redis::a_cached_read_asks_no_database,
        redis::a_killed_redis_costs_no_read,
        redis::a_hung_redis_is_left_alone,
        redis::a_hung_redis_is_noticed_without_a_call,
        redis::an_absent_redis_fails_no_start,
        redis::a_refused_password_costs_no_read,
        redis::a_stale_user_is_never_cached,
        redis::an_update_without_redis_is_made_up_for,
        files::an_empty_variable_switches_the_cache_off,
        redis::too_many_missed_tombstones_make_no_user_stale,
        redis::a_full_redis_makes_no_user_stale;
    "e-test":
        red::its_red_tests_are_red_for_their_reason;
    "e-limit":
        bad::random_requests_break_nothing,
        yaml::a_write_that_was_given_up_is_not_made,
        bad::who_has_said_all_is_answered,
        bad::a_body_over_16_kib_is_refused,
        bad::over_1024_requests_in_flight_are_refused,
        bad::who_keeps_it_waiting_is_dropped_in_time,
        bad::a_bad_message_is_refused,
        bad::a_bad_call_is_refused,
        bad::a_callers_deadline_is_kept,
        bad::a_stream_keeps_its_place_and_has_an_end,
        bad::over_1024_calls_in_flight_are_refused,
        bad::how_long_a_connection_may_be_silent_is_a_setting,
        bad::silent_heads_shut_nobody_out,
        bad::connections_over_their_number_wait,
        bad::how_many_requests_are_in_flight_is_a_setting;
    "e-drain":
        process::silent_clients_delay_no_stop,
        load::what_was_sent_before_the_stop_is_answered,
        load::writes_sent_before_the_stop_are_done,
        load::calls_made_before_the_stop_are_answered,
        bad::an_early_answer_reaches_who_still_sends,
        bad::a_late_body_is_told_so_while_it_comes,
        bad::one_too_many_is_told_so_while_it_sends,
        bad::who_never_stops_sending_is_cut_off,
        bad::an_early_answer_reaches_a_caller_who_still_sends,
        stop::who_waits_for_a_place_is_answered_at_the_stop,
        stop::what_begins_as_the_last_answer_leaves_is_answered,
        stop::who_comes_again_during_the_stop_is_not_reset;
    "e-pool":
        pool::a_read_is_one_message_to_mysql,
        pool::a_ping_without_an_answer_costs_no_request,
        mysql::without_mysql_calls_are_refused_at_once,
        mysql::a_hung_mysql_ends_in_504,
        mysql::pings_that_wait_stop_nobody_else,
        mysql::updates_that_wait_stop_no_reader,
        mysql::a_lost_mysql_loses_nothing_acknowledged;
    "e-observe":
        observe::figures_are_true_to_the_count,
        observe::what_stands_behind_is_counted,
        observe::a_client_makes_no_new_series,
        observe::a_scrape_during_the_stop_is_answered,
        observe::silent_scrapers_harm_nobody,
        observe::dashboard_and_rules_ask_for_what_is_there,
        observe::each_request_has_its_line_by_its_level,
        observe::refusals_are_told_once_a_second,
        observe::no_signal_names_a_user,
        observe::a_log_that_nobody_reads_stops_nothing,
        observe::who_reads_late_is_told_what_is_missing,
        observe::one_trace_goes_through_front_and_back,
        observe::a_bad_trace_is_replaced,
        observe::every_answer_has_its_id_and_version,
        observe::the_callers_trace_is_handed_on;
};
