// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of two answers is better, and how often. All of it.
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/length_control.hpp>
#include <proximal/judge/rouge.hpp>
#include <proximal/judge/win_rate.hpp>
