// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of two answers is better, and how often. All of it.
#include <proximal/judge/answer_cache.hpp>
#include <proximal/judge/api_key.hpp>
#include <proximal/judge/chat_endpoint.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/cost.hpp>
#include <proximal/judge/endpoint_judge.hpp>
#include <proximal/judge/http_client.hpp>
#include <proximal/judge/judge_options.hpp>
#include <proximal/judge/judge_prompt.hpp>
#include <proximal/judge/judge_report.hpp>
#include <proximal/judge/length_control.hpp>
#include <proximal/judge/outcome_lines.hpp>
#include <proximal/judge/pairwise_judge.hpp>
#include <proximal/judge/pause.hpp>
#include <proximal/judge/rate_limit.hpp>
#include <proximal/judge/retry_policy.hpp>
#include <proximal/judge/run.hpp>
#include <proximal/judge/score_judge.hpp>
#include <proximal/judge/win_rate.hpp>
