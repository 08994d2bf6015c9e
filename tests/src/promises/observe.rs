//! What a service tells of itself: figures, its log, and to which trace a line belongs.

mod board;
mod figures;
mod log;
mod pipe;
mod trace;

pub(crate) use board::dashboard_and_rules_ask_for_what_is_there;
pub(crate) use figures::a_client_makes_no_new_series;
pub(crate) use figures::a_scrape_during_the_stop_is_answered;
pub(crate) use figures::figures_are_true_to_the_count;
pub(crate) use figures::silent_scrapers_harm_nobody;
pub(crate) use figures::what_stands_behind_is_counted;
pub(crate) use log::each_request_has_its_line_by_its_level;
pub(crate) use log::no_signal_names_a_user;
pub(crate) use log::refusals_are_told_once_a_second;
pub(crate) use pipe::a_log_that_nobody_reads_stops_nothing;
pub(crate) use pipe::who_reads_late_is_told_what_is_missing;
pub(crate) use trace::a_bad_trace_is_replaced;
pub(crate) use trace::every_answer_has_its_id_and_version;
pub(crate) use trace::one_trace_goes_through_front_and_back;
pub(crate) use trace::the_callers_trace_is_handed_on;
