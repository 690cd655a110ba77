// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <proximal/eigen.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/proximal.hpp>
#include <string>
#include <string_view>

namespace reference {

using proximal::eigen::array;

// Both sides are double: they differ by the order of their sums.
inline constexpr double tolerance = 1e-12;
// Where the other side divides by (count + 1e-8), as verl's means do.
inline constexpr double with_their_epsilon = 1e-8;

/// [B, T] from a list of rows, [B] from a list of numbers, [] from a number.
inline array to_array(nlohmann::json const& x) {
    if (x.is_number()) return x.get<double>();
    auto const columns = x.at(0).is_array() ? x[0].size() : 1;
    array result(static_cast<Eigen::Index>(x.size()), static_cast<Eigen::Index>(columns));
    Eigen::Index cell = 0;
    for (auto const& row : x)
        if (row.is_array()) {
            REQUIRE(row.size() == columns);
            for (auto const& value : row) result.cells.data()[cell++] = value.get<double>();
        } else {
            result.cells.data()[cell++] = row.get<double>();
        }
    return result;
}

/// max |a − b| / (1 + |b|); NaN where either side is, or where their shapes differ.
inline double apart(array const& a, array const& b) {
    if (a.cells.rows() != b.cells.rows() || a.cells.cols() != b.cells.cols()) return std::nan("");
    double worst = 0.0;
    for (Eigen::Index i = 0; i < a.cells.size(); ++i) {
        double const distance = std::abs(a.cells.data()[i] - b.cells.data()[i]) / (1.0 + std::abs(b.cells.data()[i]));
        if (!(distance <= worst)) worst = distance;
    }
    return worst;
}

/// One call of the other library: its arguments and its results.
struct recorded_case {
    nlohmann::json fields;

    double number(char const* name) const { return fields.at(name).get<double>(); }
    std::string text(char const* name) const { return fields.at(name).get<std::string>(); }
    bool flag(char const* name) const { return fields.at(name).get<bool>(); }
    array result(char const* name) const { return to_array(fields.at(name)); }
};

/// What scripts/record_parts.py wrote of one library.
class library {
   public:
    explicit library(std::string const& name)
        : all_(proximal::io::read_json(PROXIMAL_TEST_DATA "/parts/" + name + ".json")) {
        REQUIRE(all_.at("precision") == "float64");
    }

    array input(std::string const& name) const { return to_array(all_.at("inputs").at(name)); }

    /// Runs a check on every recorded call of a function, of which there must be one at least.
    void each(std::string_view function, auto const& check) const {
        int count = 0;
        for (auto const& fields : all_.at("cases"))
            if (fields.at("function") == function) {
                auto arguments = fields;
                for (auto const& [name, value] : fields.items())
                    if (value.is_array() || name.starts_with("d_")) arguments.erase(name);
                INFO(arguments.dump());
                check(recorded_case{fields});
                ++count;
            }
        INFO(function);
        CHECK(count > 0);
    }

   private:
    nlohmann::json all_;
};

/// A loss, averaged by `mean`, and its slope by the log-probs and by the values.
inline auto judge(auto const& loss, auto const& mean, proximal::experience<array> const& then,
                  proximal::prediction<array> const& now) {
    return proximal::eigen::loss_and_gradient(proximal::algorithm{proximal::unshaped{}, proximal::gae{}, loss, mean},
                                              then, now);
}

/// A metric that a loss measures on its way, averaged by `mean`.
inline double measured_share(std::string_view name, auto const& loss, auto const& mean,
                             proximal::experience<array> const& then, proximal::prediction<array> const& now) {
    double found = std::nan("");
    proximal::algorithm const whole{proximal::unshaped{}, proximal::gae{}, loss, mean};
    auto const measured = whole.measure(then, now);
    boost::hana::for_each(measured.metrics, [&](auto const& metric) {
        if (metric.name == name) found = metric.value(0, 0);
    });
    return found;
}

}  // namespace reference
