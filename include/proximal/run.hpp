// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a run needs besides tensors: configuration, flags, state, events, reports. All of it.
#include <proximal/run/any_knob.hpp>
#include <proximal/run/batch_arithmetic.hpp>
#include <proximal/run/command_scorer.hpp>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/edit_distance.hpp>
#include <proximal/run/event_file.hpp>
#include <proximal/run/flag_value.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/foreign_flags.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/plot.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/program.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/run/reports.hpp>
#include <proximal/run/run_directory.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/score_lines.hpp>
#include <proximal/run/spin_briefly.hpp>
#include <proximal/run/state_archive.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <proximal/run/stop_on_signal.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/text_scorer.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/run/trainer_state.hpp>
