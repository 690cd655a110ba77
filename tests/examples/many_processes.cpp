// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/run/checkpoint_folder.hpp>
#include <thread>

#include "../support/ppo_workshop.hpp"

using namespace proximal;

namespace {

/// A port that nobody listens at just now.
int free_port() {
    int const socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(socket);
    return ntohs(address.sin_port);
}

/// What became of a process.
struct ended_process {
    int status;
    std::string said;
};

/// Starts ppo as several processes of one run, as torchrun starts them.
struct launcher {
    support::workshop const& w;
    std::vector<std::string> own_flags;  // of each process
    int port = free_port();
    int world = static_cast<int>(own_flags.size());

    launcher(support::workshop const& in, std::vector<std::string> flags) : w(in), own_flags(std::move(flags)) {}

    ended_process run(int rank, std::string const& more) const {
        auto const file = "pid-" + std::to_string(rank);
        auto const command = fmt::format(
            "cd {} && rm -f {} && export RANK={} WORLD_SIZE={} LOCAL_RANK={} LOCAL_WORLD_SIZE={} MASTER_ADDR=127.0.0.1 "
            "MASTER_PORT={} HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1; {}/ppo --sft_model_path policy --reward_model_path "
            "reward --dataset_name prompts.jsonl --output_dir out --per_device_train_batch_size 4 --response_length 4 "
            "--num_ppo_epochs 1 --num_sample_generations 1 --total_episodes 16 --report_to jsonl {} {} 2>&1 & "
            "echo $! > {}; wait $!",
            w.here.string(), file, rank, world, rank, world, port, std::getenv("PROXIMAL_BIN"),
            own_flags[static_cast<std::size_t>(rank)], more, file);
        auto const [status, said] = io::run_program("/bin/sh", {"-c", command});
        return {status, said};
    }
    std::vector<ended_process> run_all(std::string const& more = "") const {
        std::vector<ended_process> results(own_flags.size());
        std::vector<std::thread> threads;
        for (int rank = 0; rank < world; ++rank)
            threads.emplace_back([&, rank] { results[static_cast<std::size_t>(rank)] = run(rank, more); });
        for (auto& thread : threads) thread.join();
        return results;
    }
    /// The same, with a signal to one of them once an update is made, and saved where the run saves.
    std::vector<ended_process> run_and(std::string const& signal, int rank, std::string const& more) const {
        std::vector<ended_process> results;
        std::thread all([&] { results = run_all(more); });
        auto const begun = std::chrono::steady_clock::now();
        bool const saves = more.find("save_steps") != std::string::npos;
        auto const is_under_way = [&] {
            return saves ? !run::complete_checkpoints(w.out).empty()
                         : w.read(w.out / "metrics.jsonl").find('\n') != std::string::npos;
        };
        while (!is_under_way() && std::chrono::steady_clock::now() - begun < std::chrono::seconds(120))
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        auto pid = w.read(w.here / ("pid-" + std::to_string(rank)));
        io::run_program("/bin/sh", {"-c", "kill -" + signal + " " + pid});
        if (signal == "STOP") {  // whoever waits for it must not
            std::this_thread::sleep_for(std::chrono::seconds(12));
            io::run_program("/bin/sh", {"-c", "kill -KILL " + pid});
        }
        all.join();
        return results;
    }
};

std::string last_metrics(support::workshop const& w) {
    auto const text = w.read(w.out / "metrics.jsonl");
    auto const begin = text.rfind('\n', text.size() - 2);
    return text.substr(begin == std::string::npos ? 0 : begin + 1);
}

}  // namespace

TEST_CASE("many processes: two make the run of one; one of them writes and speaks") {
    support::workshop const w;
    auto const [status, output] = w.run("--per_device_train_batch_size 8 --total_episodes 16 --report_to jsonl");
    INFO(output);
    REQUIRE(status == 0);
    auto const one = nlohmann::json::parse(last_metrics(w));
    for (char const* sharding : {"none", "zero2", "zero3"}) {
        auto const results =
            launcher(w, {"", ""}).run_all(std::string("--overwrite_output_dir true --sharding ") + sharding);
        INFO(results[0].said << results[1].said);
        REQUIRE(results[0].status == 0);
        CHECK(results[1].status == 0);
        CHECK(results[0].said.find("on cpu, 2 processes") != std::string::npos);
        CHECK(results[1].said.empty());
        auto const two = nlohmann::json::parse(last_metrics(w));
        for (char const* name : {"objective/kl", "objective/scores", "objective/entropy", "objective/rlhf_reward"})
            CHECK(two[name].get<double>() == Approx(one[name].get<double>()).epsilon(1e-4).margin(1e-5));
        CHECK(lm::load_causal_lm(w.out, at::kFloat).parameters().size() > 0);
    }
}

TEST_CASE("many processes: what does not fit is one sentence of one process, and all end with a status") {
    support::workshop const w;
    auto const said = [](std::vector<ended_process> const& results, std::string const& sentence, std::size_t most = 1) {
        std::size_t times = 0;
        for (auto const& one : results) {
            INFO(one.said);
            CHECK(one.status == 1);
            times += one.said.find(sentence) != std::string::npos;
        }
        INFO(results[0].said << "---\n" << results[1].said);
        CHECK((times >= 1 && times <= most));
    };
    said(launcher(w, {"", ""}).run_all("--learning_rate much"), "--learning_rate");
    said(launcher(w, {"--seed 1", "--seed 2"}).run_all(), "--seed is 1 on process 0 and 2 on process 1");
    said(launcher(w, {"--dataset_name prompts.jsonl", "--dataset_name nowhere.jsonl"}).run_all(), "nowhere.jsonl",
         /*most=*/2);  // the one that has it, and process 0, which may be on another machine
    said(launcher(w, {"", ""}).run_all("--batch_size 5"), "--batch_size 5 does not agree");
    launcher taken(w, {"", ""});
    int const listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(taken.port));
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    auto const result = taken.run(0, "");
    CHECK(result.status == 1);
    CHECK_THAT(result.said, Catch::Contains("at which the processes would meet is in use"));
    ::close(listener);
    CHECK_FALSE(std::filesystem::exists(w.out / "config_ppo.json"));
}

TEST_CASE("many processes: one that is killed or stopped ends the run on all, by name, and the run can go on") {
    std::string const more =
        "--total_episodes 40000 --save_strategy steps --save_steps 1 --save_total_limit 2 --num_sample_generations 0 "
        "--heartbeat_timeout 2";
    for (auto const& [signal, victim] : {std::pair{"KILL", 1}, {"KILL", 0}, {"STOP", 1}}) {
        support::workshop const w;
        auto const results = launcher(w, {"", ""}).run_and(signal, victim, more);
        auto const& survivor = results[static_cast<std::size_t>(1 - victim)];
        INFO(signal << " to process " << victim << ": " << survivor.said);
        CHECK(survivor.status == 1);
        CHECK_THAT(survivor.said, Catch::Contains("process " + std::to_string(victim)));
        CHECK_FALSE(run::complete_checkpoints(w.out).empty());
        auto const [status, output] = w.run("--resume_from_checkpoint auto --total_episodes 16");
        INFO(output);
        CHECK(status == 0);
        CHECK_THAT(output, Catch::Contains("resumed"));
    }
}

TEST_CASE("many processes: SIGTERM to any one of them ends the run on all, saved") {
    std::string const more = "--total_episodes 40000 --num_sample_generations 0 --sharding zero2";
    for (int const told : {0, 1}) {
        support::workshop const w;
        auto const results = launcher(w, {"", ""}).run_and("TERM", told, more);
        for (auto const& one : results) {
            INFO(one.said);
            CHECK(one.status == 128 + SIGTERM);
        }
        CHECK_THAT(results[0].said, Catch::Contains("stopped by SIGTERM"));
        CHECK_FALSE(run::complete_checkpoints(w.out).empty());
        CHECK(std::filesystem::exists(w.out / "model.safetensors"));
    }
}
