// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>

namespace proximal::run {

/// Appends each update's metrics to OUTPUT_DIR/metrics.jsonl, a JSON object a line, flushed at once, and those of an
/// evaluation as a line of their own. A number that is not finite becomes null, as JSON has no NaN. A resumed run goes
/// on after the lines of the updates done.
class metrics_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        out_.begin_or_go_on(state.output_dir / "metrics.jsonl", state.update);
    }
    void on_log(trainer_state& state, metrics const& logged) override { write(state, logged); }
    void on_evaluate(trainer_state& state, metrics const& measured) override { write(state, measured); }

   private:
    void write(trainer_state const& state, metrics const& numbers) {
        // an object keeps no order, and a reader of the file likes TRL's
        std::string line = fmt::format("{{\"update\":{}", state.update);
        for (auto const& [name, value] : numbers)
            line += ',' + nlohmann::json(name).dump() + ':' +
                    (std::isfinite(value) ? fmt::format("{}", value) : std::string("null"));
        out_.write(line + '}');
    }
    line_log out_;
};

}  // namespace proximal::run
