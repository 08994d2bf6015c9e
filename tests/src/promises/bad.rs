//! What a client gets wrong, on purpose or not, never harms the service: it is refused, and
//! whoever asks well is answered as before.
//!
//! `bad/wire.rs` and `bad/calls.rs` send what no client library would, `bad/random.rs`
//! what nobody has thought of.

mod body;
mod calls;
mod connections;
mod early;
mod fields;
mod grpc;
mod head;
mod host;
mod limits;
mod mutation;
mod problem;
mod random;
mod reflection;
mod samples;
mod silence;
mod warm;
mod wire;

pub(crate) use body::a_body_over_16_kib_is_refused;
pub(crate) use body::a_body_that_breaks_off_is_refused;
pub(crate) use body::one_request_is_never_taken_for_two;
pub(crate) use connections::connections_over_their_number_wait;
pub(crate) use connections::how_long_a_connection_may_be_silent_is_a_setting;
pub(crate) use connections::silent_heads_shut_nobody_out;
pub(crate) use early::a_late_body_is_told_so_while_it_comes;
pub(crate) use early::an_early_answer_reaches_a_caller_who_still_sends;
pub(crate) use early::an_early_answer_reaches_who_still_sends;
pub(crate) use early::one_too_many_is_told_so_while_it_sends;
pub(crate) use early::who_never_stops_sending_is_cut_off;
pub(crate) use fields::a_bad_field_is_refused;
pub(crate) use fields::a_number_is_read_in_one_way;
pub(crate) use fields::what_nobody_asked_for_is_ignored;
pub(crate) use grpc::a_bad_call_is_refused;
pub(crate) use grpc::a_bad_message_is_refused;
pub(crate) use grpc::a_callers_deadline_is_kept;
pub(crate) use head::a_bad_head_is_refused;
pub(crate) use head::a_method_is_refused_with_those_allowed;
pub(crate) use head::an_old_client_is_answered;
pub(crate) use head::who_has_said_all_is_answered;
pub(crate) use host::a_call_of_another_content_type_is_refused;
pub(crate) use host::a_content_coding_is_refused;
pub(crate) use host::a_request_needs_one_valid_host;
pub(crate) use host::a_transfer_coding_is_refused;
pub(crate) use host::a_whole_number_of_json_is_read_as_one;
pub(crate) use limits::how_many_requests_are_in_flight_is_a_setting;
pub(crate) use limits::over_1024_calls_in_flight_are_refused;
pub(crate) use limits::over_1024_requests_in_flight_are_refused;
pub(crate) use problem::an_error_is_a_problem_document;
pub(crate) use random::random_calls_break_nothing;
pub(crate) use random::random_requests_break_nothing;
pub(crate) use reflection::a_stream_keeps_its_place_and_has_an_end;
pub(crate) use reflection::old_and_new_clients_are_told_the_contract;
pub(crate) use silence::who_keeps_it_waiting_is_dropped_in_time;
