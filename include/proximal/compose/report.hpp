// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/reflect.hpp>
#include <string_view>
#include <type_traits>

namespace proximal {

/// What asks whether a part reports numbers of its own.
struct report_probe {
    constexpr void operator()(std::string_view, double) const {}
};

/// A part that has numbers of its own to log, once per update, before the update's batch teaches it anything:
/// `constexpr void report(auto const& metric) const { metric("mine/temperature", temperature); }`.
/// Model: controlled_kl_penalty.
template <class Part>
concept Reports = requires(Part const& part, report_probe const& metric) {
    part.report(metric);
};

/// Calls `metric(name, number)` for every number that an algorithm's parts report.
template <class Part>
constexpr void report(Part const& whole, auto const& metric) {
    if constexpr (Reports<Part>) whole.report(metric);
    visit_parts(whole, [&](auto const& part) { report(part, metric); });
}

}  // namespace proximal
