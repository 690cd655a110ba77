// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/log_history.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>

namespace proximal::run {

/// Appends each update's metrics to OUTPUT_DIR/metrics.jsonl, a JSON object a line, flushed at once, and those of an
/// evaluation as a line of their own. A number that is not finite becomes null, as JSON has no NaN. A resumed run goes
/// on after the lines of the updates done; in another folder than the checkpoint's it begins with them.
class metrics_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        auto const file = state.output_dir / "metrics.jsonl";
        bool const is_new = !std::filesystem::exists(file);
        out_.begin_or_go_on(file, state.update);
        if (is_new)
            for (auto const& point : earlier_points(state)) write(point.update, point.numbers);
    }
    void on_log(trainer_state& state, metrics const& logged) override { write(state.update, logged); }
    void on_evaluate(trainer_state& state, metrics const& measured) override { write(state.update, measured); }

   private:
    void write(std::int64_t update, metrics const& numbers) {
        // an object keeps no order, and a reader of the file likes TRL's
        std::string line = fmt::format("{{\"update\":{}", update);
        for (auto const& [name, value] : numbers)
            line += ',' + nlohmann::json(name).dump() + ':' +
                    (std::isfinite(value) ? fmt::format("{}", value) : std::string("null"));
        out_.write(line + '}');
    }
    line_log out_;
};

}  // namespace proximal::run
