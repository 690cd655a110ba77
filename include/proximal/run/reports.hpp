// SPDX-License-Identifier: Apache-2.0
#pragma once

// The listeners that tell of a run: files, pictures, the report, the terminal, what is wrong.
#include <proximal/run/csv_log.hpp>
#include <proximal/run/doctor.hpp>
#include <proximal/run/html_report.hpp>
#include <proximal/run/metrics_log.hpp>
#include <proximal/run/plot_report.hpp>
#include <proximal/run/samples_log.hpp>
#include <proximal/run/sinks.hpp>
#include <proximal/run/tensorboard_log.hpp>
#include <proximal/run/terminal_report.hpp>
