// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/stop_signal.hpp>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/distributed/same_run.hpp>
#include <proximal/lm/model/parameter.hpp>
#include <proximal/lm/train/checkpoint.hpp>
#include <proximal/lm/train/first_non_finite.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/visit_tensor.hpp>
#include <proximal/run/best_metric.hpp>
#include <proximal/run/checkpoint_folder.hpp>
#include <proximal/run/default_flow.hpp>
#include <proximal/run/early_stopping.hpp>
#include <proximal/run/log_history.hpp>
#include <proximal/run/sharded_state.hpp>
#include <proximal/run/state_folder.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/run/trainer_state.hpp>
#include <proximal/run/training_options.hpp>
#include <proximal/run/type_name.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A model that a trainer trains: its name in messages and archives, its folder below a run's or a checkpoint's ("" for
/// that folder itself), its parameters, and its layers where the processes keep a slice of each (--sharding zero3).
struct trained_model {
    std::string name;
    std::filesystem::path folder;
    std::vector<named_tensor> parameters;
    parameter_units units{};
};

/// The road that every training run takes: updates, events, requests, evaluations, checkpoints, the end.
///
/// A trainer derives from it and says what one update is, what is measured and what is kept; ppo_trainer and
/// supervised_trainer do. Listeners get the events of transformers' TrainerCallback, and what they ask for is obeyed in
/// one place, on all processes alike.
class trainer {
   public:
    trainer(trainer const&) = delete;
    trainer& operator=(trainer const&) = delete;
    virtual ~trainer() = default;

    /// One update: its metrics. It counts itself in state().
    virtual run::metrics step() = 0;
    /// The metrics of the evaluation data, "eval/..." each. Draws the same at each call, and changes nothing.
    virtual run::metrics evaluate() = 0;

    /// The whole road: updates, what listeners ask for, and the trained models in OUTPUT_DIR, which is made. After
    /// resume() it goes on where the checkpoint stands.
    /// Whatever ends it, the models are saved as of the last optimizer step, if there was one; an error is then thrown
    /// on, and says so where even that failed.
    void train() {
        begin_together();
        prepare_output();
        announce(&run::trainer_callback::on_train_begin);
        try {
            if (options_.eval_on_start && state_.update == 0) state_.should_evaluate = true, obey({});
            while (state_.update < state_.updates && !stop_is_asked()) {
                world_->at_update(state_.update + 1);
                bool const first_of_epoch = is_whole(state_.epoch);
                if (first_of_epoch) announce(&run::trainer_callback::on_epoch_begin);
                announce(&run::trainer_callback::on_step_begin);
                double const before = state_.epoch;
                is_between_updates_ = false;
                run::metrics const logged = step();
                is_between_updates_ = true;
                state_.should_sample = samples_are_due();
                announce(&run::trainer_callback::on_step_end);
                if (std::floor(state_.epoch) > std::floor(before)) announce(&run::trainer_callback::on_epoch_end);
                obey(logged);
            }
            bool const ends_early = state_.update < state_.updates && options_.save_strategy != "no";
            if (ends_early && last_checkpoint_ != state_.update) save_checkpoint();
            if (options_.load_best_model_at_end && !state_.best_model_checkpoint.empty()) load_best();
        } catch (std::exception const& error) {
            end_after(error);
            throw;
        }
        save();
        if (!state_.should_stop) {
            auto const table = last_table();
            if (!table.rows.empty())
                call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_completions(s, table); });
        }
        announce(&run::trainer_callback::on_train_end);
        if (signal_ != 0) throw io::interrupted(signal_);  // that any process got
    }

    /// Writes the trained models as Hugging Face folders into OUTPUT_DIR.
    void save() {
        prepare_output();  // it may have been deleted meanwhile
        save_models(state_.output_dir);
        call([](run::trainer_callback& c, run::trainer_state& s) { c.on_save(s, s.output_dir); });
    }

    /// Writes OUTPUT_DIR/checkpoint-N, N the updates done, from which resume() goes on: the models as Hugging Face
    /// folders, the state of all that learns or draws, trainer_state.json with the log's history, a manifest. It
    /// appears whole or not at all, and older ones above --save_total_limit are removed then.
    /// With --save_only_model it holds the models alone, and cannot be resumed.
    /// What the processes hold a part of each they write in parallel; a run of another number of them reads it too.
    void save_checkpoint() {
        prepare_output();
        tried_checkpoint_ = state_.update;
        auto const place = run::new_checkpoint::place_of(state_.output_dir, state_.update);
        if (auto const better = best_.better_at(state_)) {
            state_.best_metric = *better;
            state_.best_model_checkpoint = place;
        }
        bool const writes_shards = moves().is_sharded() && !options_.save_only_model;
        std::optional<run::new_checkpoint> checkpoint;
        if (world_->is_main()) {
            checkpoint.emplace(state_.output_dir, state_.update);
            if (!options_.save_only_model) {
                run::write_state(checkpoint->path(), [this](run::state_archive& archive) { visit_progress(archive); });
                io::write_file(checkpoint->path() / "identity.json", nlohmann::json(known_identity()).dump(2) + "\n");
            }
            io::write_file(checkpoint->path() / "trainer_state.json",
                           run::trainer_state_json(state_, history_).dump(2) + "\n");
        }
        save_models(checkpoint ? checkpoint->path() : place);
        if (writes_shards) write_shards(run::new_checkpoint::part_of(place));
        if (checkpoint) checkpoint->commit();
        last_checkpoint_ = state_.update;
        if (!checkpoint) return;
        if (options_.save_total_limit)
            run::limit_checkpoints(state_.output_dir, *options_.save_total_limit, state_.best_model_checkpoint);
        call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_save(s, checkpoint->place()); });
    }

    /// Takes up a run where a checkpoint of it stands: train() then goes on as if it had never stopped, bit for bit on
    /// the CPU. May be called once, before train(). What must agree with the interrupted run: identity().
    /// Throws std::invalid_argument where the checkpoint is of another run, naming what differs, and std::runtime_error
    /// where it is damaged or holds the models alone.
    void resume(std::filesystem::path const& checkpoint) {
        // Reading all of it once is enough: the other processes end with the main one.
        if (auto const trouble = run::checkpoint_trouble(checkpoint, /*deep=*/world_->is_main()); !trouble.empty())
            throw std::runtime_error("the checkpoint " + checkpoint.string() + " " + trouble);
        if (!std::filesystem::exists(checkpoint / "state.json"))
            throw std::runtime_error("the checkpoint " + checkpoint.string() +
                                     " holds the models alone (--save_only_model): a new run can begin with them, but "
                                     "it cannot be resumed");
        try {
            check_identity(known_identity(), io::read_json(checkpoint / "identity.json").get<run_identity>(),
                           checkpoint);
            run::state_folder saved(checkpoint);
            bool const is_in_shards = moves().is_sharded() || run::has_shards(checkpoint, "optimizer");
            visit_progress(saved, !is_in_shards);
            if (is_in_shards) {
                run::sharded_state shards(checkpoint, "optimizer");
                shards.within("optimizer", moves());
                saved.pass_over("optimizer/");
            }
            saved.finish();
            history_ = run::read_log_history(checkpoint);
        } catch (nlohmann::json::exception const& error) {
            throw std::runtime_error("the checkpoint " + checkpoint.string() +
                                     " is damaged: " + io::json_trouble(error));
        }
        load_models(checkpoint);
        last_checkpoint_ = state_.update;
        state_.resumed_from = checkpoint;
    }

    /// Writes all that a run has learnt and where it stands, or reads it back: a trainer of the same arguments then
    /// goes on as if it had never stopped, bit for bit on the CPU. What does not learn is left out.
    void visit_state(run::state_archive& archive) {
        visit_progress(archive, true);
        for (auto const& model : models()) {
            whole_parameters const whole(model.units, /*changes=*/archive.is_reading());
            for (auto const& parameter : model.parameters)
                visit_tensor(archive, model.name + "/" + parameter.name, parameter.tensor);
        }
    }

    /// The layers of what is trained, where the processes share them out (--sharding zero3); else none. Their weights
    /// are there only while somebody holds them: see whole_parameters.
    parameter_units units() const {
        parameter_units all;
        for (auto const& model : models()) all.insert(all.end(), model.units.begin(), model.units.end());
        return all;
    }

    /// How far the run is.
    run::trainer_state const& state() const { return state_; }

   protected:
    trainer(run::training_options const& options, run::callback_list callbacks, std::shared_ptr<communicator> world)
        : world_(std::move(world)), options_(options), callbacks_(std::move(callbacks)), best_(options) {
        state_.output_dir = options_.output_dir;
        state_.has_peers = world_->world_size() > 1;
        callbacks_.insert(callbacks_.begin(), std::make_shared<run::default_flow>(options_));
        if (options_.early_stopping_patience)
            callbacks_.push_back(std::make_shared<run::early_stopping>(
                best_.watched(), *options_.early_stopping_patience, options_.early_stopping_threshold));
    }

    /// Throws std::invalid_argument where the run is told to watch a metric that its evaluations will not give.
    void check_watched_metric(std::vector<std::string> const& evaluated) const { best_.check(evaluated); }

    /// The models that learn.
    virtual std::vector<trained_model> models() const = 0;
    /// Writes one of them as a Hugging Face folder.
    virtual void save_model(trained_model const& model, std::filesystem::path const& folder) const = 0;
    /// What moves them.
    virtual optimizer& moves() = 0;
    /// Writes or reads the state of what learns or draws beside models and optimizer: cursor, streams, schedule.
    virtual void visit_learning(run::state_archive& archive) = 0;
    /// What makes the run the run that it is.
    virtual run_identity identity() = 0;
    /// Told the watched metric of an evaluation: a schedule may learn from it.
    virtual void observe(double) {}
    /// Whether listeners should get a table of samples after this update, and that table.
    virtual bool samples_are_due() const { return false; }
    virtual run::completions_table sample_table() { return {}; }
    /// The table that a run ends with; none where it has no rows.
    virtual run::completions_table last_table() { return {}; }

    /// Throws std::invalid_argument where the processes were given different runs: see refuse_differences.
    void check_same_run() {
        if (state_.has_peers) refuse_differences(known_identity(), *world_);
    }
    /// identity(), found out once: before the processes share weights out, where they do.
    run_identity const& known_identity() {
        if (identity_.empty()) identity_ = identity();
        return identity_;
    }
    /// Sets a listener's event off, on the main process.
    void announce(void (run::trainer_callback::*event)(run::trainer_state&)) {
        call([event](run::trainer_callback& c, run::trainer_state& s) { (c.*event)(s); });
    }

    std::shared_ptr<communicator> world_;
    run::trainer_state state_;

   private:
    template <class F>
    void call(F const& f) {
        if (world_->is_main())
            for (auto const& callback : callbacks_) f(*callback, state_);
    }
    static bool is_whole(double x) { return x == std::floor(x); }
    /// All of a run's state but the models' weights, and but the optimizer's where the processes share it out.
    /// Listeners are known by their types.
    void visit_progress(run::state_archive& archive) { visit_progress(archive, !moves().is_sharded()); }
    void visit_progress(run::state_archive& archive, bool with_optimizer) {
        archive.within("trainer", state_);
        visit_learning(archive);
        if (with_optimizer) archive.within("optimizer", moves());
        std::map<std::string, int> seen;
        for (auto const& callback : callbacks_) {
            std::string name = "callback/" + run::type_name(*callback);
            if (int const earlier = seen[name]++; earlier > 0) name += "_" + std::to_string(earlier + 1);
            if (!archive.is_reading() || archive.holds(name)) archive.within(name, *callback);
        }
    }
    /// All processes begin with the weights of process 0. Those of layers that are shared out are already.
    void begin_together() {
        if (world_->world_size() == 1) return;
        at::NoGradGuard const no_gradient;
        for (auto const& model : models())
            for (auto const& parameter : model.parameters) {
                if (parameter.tensor.storage().nbytes() == 0) continue;  // a unit's
                at::Tensor whole = parameter.tensor.detach();
                world_->broadcast(whole, 0);
            }
    }
    /// Writes all models as Hugging Face folders below a folder, one after the other: no more than one is there whole.
    void save_models(std::filesystem::path const& folder) const {
        for (auto const& model : models()) {
            whole_parameters const whole(model.units);
            if (world_->is_main()) save_model(model, folder / model.folder);
        }
    }
    /// Each process writes its part of the optimizer's state into a folder of its own; returns when all have.
    void write_shards(std::filesystem::path const& into) {
        world_->barrier();  // the folder is there
        std::error_code error;
        if (!std::filesystem::is_directory(into, error))
            throw std::runtime_error("process " + std::to_string(world_->rank()) + " does not see " + into.string() +
                                     ": give an --output_dir on a file system that all processes share");
        auto const own = into / run::shard_name("optimizer", world_->rank(), world_->world_size());
        std::filesystem::create_directory(own);
        run::write_state(own, [this](run::state_archive& archive) { archive.within("optimizer", moves()); });
        world_->barrier();
    }
    void load_models(std::filesystem::path const& folder) const {
        for (auto const& model : models()) {
            whole_parameters const whole(model.units, /*changes=*/true);
            load_weights(folder / model.folder, model.parameters);
        }
    }
    void load_best() {
        world_->barrier();  // it is written
        state_.holds_best = true;
        load_models(state_.best_model_checkpoint);
    }
    void prepare_output() const {
        if (!world_->is_main()) return;
        std::error_code error;
        std::filesystem::create_directories(state_.output_dir, error);
        if (error || ::access(state_.output_dir.c_str(), W_OK) != 0)
            throw std::runtime_error("output_dir " + state_.output_dir.string() +
                                     " cannot be written: choose another folder, or change its permissions");
    }
    /// Throws where a step has made weights of no number of them: nothing to keep.
    void check_finite() const {
        for (auto const& model : models())
            for (auto const& parameter : model.parameters)
                if (!at::isfinite(parameter.tensor.detach()).all().item<bool>())
                    throw std::runtime_error("the " + model.name + "'s weights are no longer finite (" +
                                             parameter.name + "): lower --learning_rate");
    }
    /// Saves what an error would lose. Throws where that fails too.
    void end_after(std::exception const& error) {
        std::string trouble;
        try {
            bool const has_diverged = dynamic_cast<diverged_error const*>(&error) != nullptr;
            if (state_.optimizer_steps > 0 && !has_diverged && !units().empty())
                throw std::runtime_error(
                    "with --sharding zero3 they are spread over the processes; resume from the last "
                    "checkpoint");
            if (state_.optimizer_steps > 0 && !has_diverged && moves().is_torn())
                throw std::runtime_error(
                    "the processes were parted in the middle of a step, and no one of them holds all it came to; "
                    "resume from the last checkpoint");
            if (state_.optimizer_steps > 0 && !has_diverged) {
                check_finite();
                save();
                // Other processes may be gone, or go on: nothing is written that takes all of them.
                if (is_between_updates_ && options_.save_strategy != "no" && !moves().is_sharded() &&
                    std::max(last_checkpoint_, tried_checkpoint_) != state_.update)
                    save_checkpoint();
            }
        } catch (std::exception const& second) {
            trouble = second.what();
        }
        try {
            announce(&run::trainer_callback::on_train_end);
        } catch (std::exception const&) {  // the first error is the one to tell
        }
        if (!trouble.empty())
            throw std::runtime_error(std::string(error.what()) +
                                     "; and the models as of the last step could not be saved: " + trouble);
    }
    /// Whether any process asks for an end, or was told to end by a signal.
    bool stop_is_asked() {
        bool const is_alone = world_->world_size() == 1;  // then stop_on_signal does it, where it listens
        at::Tensor requests = at::tensor(
            {state_.should_stop ? 1.0 : 0.0, is_alone ? 0.0 : static_cast<double>(io::noted_signal())}, at::kDouble);
        world_->all_reduce_max(requests);
        signal_ = static_cast<int>(requests[1].item<double>());
        if (signal_ != 0) state_.should_stop = true;
        return state_.should_stop || requests[0].item<double>() > 0.0;
    }
    /// The one place where requests are obeyed: on all processes alike, whoever asked.
    void obey(run::metrics const& logged) {
        at::Tensor requests =
            at::tensor({static_cast<double>(state_.should_log), static_cast<double>(state_.should_sample),
                        static_cast<double>(state_.should_evaluate), static_cast<double>(state_.should_save)},
                       at::kDouble);
        world_->all_reduce_max(requests);
        auto const asked = [&](std::int64_t i) { return requests[i].item<double>() > 0.0; };
        state_.should_log = state_.should_sample = state_.should_evaluate = state_.should_save = false;
        if (asked(0)) {
            history_.add(state_, logged);
            call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_log(s, logged); });
        }
        if (asked(1)) {
            auto const table = sample_table();
            call([&](run::trainer_callback& c, run::trainer_state& s) { c.on_completions(s, table); });
        }
        if (asked(2)) {
            auto const measured = evaluate();
            history_.add(state_, measured);
            best_.saw(state_, measured);
            if (auto const* const value = best_.watched().find(measured)) observe(*value);
            call([&](run::trainer_callback& c, run::trainer_state& st) { c.on_evaluate(st, measured); });
        }
        if (asked(3)) save_checkpoint();
    }

    run::training_options options_;
    run::callback_list callbacks_;
    run::best_model best_;
    std::int64_t last_checkpoint_ = -1;   // the update of the last checkpoint
    std::int64_t tried_checkpoint_ = -1;  // the update of the last one that was begun
    bool is_between_updates_ = true;
    int signal_ = 0;  // that told one of several processes to end
    run::log_history history_;
    run_identity identity_;
};

}  // namespace proximal::lm
