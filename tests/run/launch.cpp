// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <proximal/run/launch.hpp>
#include <string>

using namespace proximal::run;

namespace {
using variables = std::map<std::string, std::string>;

launch launched(variables const& told) {
    return read_launch([&](std::string const& name) {
        auto const found = told.find(name);
        return found == told.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
}

std::string refusal(variables const& told) {
    try {
        launched(told);
    } catch (std::invalid_argument const& error) {
        return error.what();
    }
    return "";
}

variables with(variables told, variables const& more) {
    for (auto const& [name, value] : more) told[name] = value;
    return told;
}
variables without(variables told, std::string const& name) {
    told.erase(name);
    return told;
}

variables const torchrun{{"RANK", "9"},
                         {"WORLD_SIZE", "16"},
                         {"LOCAL_RANK", "1"},
                         {"LOCAL_WORLD_SIZE", "8"},
                         {"MASTER_ADDR", "node0"},
                         {"MASTER_PORT", "29400"},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"TORCHELASTIC_RESTART_COUNT", "2"},
                         {"TORCHELASTIC_MAX_RESTARTS", "3"},
                         {"TORCHELASTIC_RUN_ID", "tldr"}};
variables const srun{
    {"SLURM_PROCID", "18"},     {"SLURM_STEP_NUM_TASKS", "20"},           {"SLURM_LOCALID", "2"},
    {"SLURM_NODEID", "2"},      {"SLURM_STEP_TASKS_PER_NODE", "8(x2),4"}, {"SLURM_LAUNCH_NODE_IPADDR", "10.0.0.7"},
    {"SLURM_JOB_ID", "1234567"}};
variables const mpirun{{"OMPI_COMM_WORLD_RANK", "3"},
                       {"OMPI_COMM_WORLD_SIZE", "4"},
                       {"OMPI_COMM_WORLD_LOCAL_RANK", "3"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}};
variables const hydra{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};

std::string const by_torchrun =
    ": launch by `torchrun --no-python --nproc-per-node N PROGRAM FLAGS`, which sets all of them, or unset RANK and "
    "WORLD_SIZE to run alone";
}  // namespace

TEST_CASE("read_launch: with nothing set a process is alone") {
    auto const alone = launched({});
    CHECK((alone.rank == 0 && alone.world_size == 1 && alone.local_rank == 0 && alone.local_world_size == 1));
    CHECK((alone.launcher.empty() && alone.master_addr.empty() && alone.master_port == 0 && !alone.agent_store));
    CHECK(launched({{"RANK", ""}, {"WORLD_SIZE", ""}}).launcher.empty());  // set to nothing is not set
}

TEST_CASE("read_launch: torchrun") {
    auto const told = launched(torchrun);
    CHECK((told.rank == 9 && told.world_size == 16 && told.local_rank == 1 && told.local_world_size == 8));
    CHECK((told.master_addr == "node0" && told.master_port == 29400 && told.agent_store));
    CHECK((told.restart_count == 2 && told.max_restarts == 3));
    CHECK((told.launcher == "torchrun" && told.run_id == "tldr"));
    CHECK(launched(with(with(srun, mpirun), torchrun)).rank == 9);  // started by srun or mpirun on each node
    CHECK_FALSE(launched(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}})).agent_store);
    auto const one = launched({{"RANK", "0"}, {"WORLD_SIZE", "1"}});
    CHECK((one.launcher == "torchrun" && one.world_size == 1));
}

TEST_CASE("read_launch: DeepSpeed's launcher counts a host's processes in LOCAL_SIZE, Kubernetes does not") {
    auto const by_hand = without(without(torchrun, "LOCAL_RANK"), "LOCAL_WORLD_SIZE");
    auto const told = launched(with(by_hand, {{"LOCAL_RANK", "3"}, {"LOCAL_SIZE", "4"}}));
    CHECK((told.local_rank == 3 && told.local_world_size == 4));
    CHECK((launched(by_hand).local_rank == 0 && launched(by_hand).local_world_size == 1));
    CHECK(refusal(with(by_hand, {{"LOCAL_RANK", "4"}, {"LOCAL_SIZE", "4"}}))
              .starts_with("LOCAL_RANK is 4, and must be below LOCAL_SIZE, which is 4: "));
}

TEST_CASE("read_launch: srun, and a batch script without it") {
    auto const told = launched(srun);
    CHECK((told.rank == 18 && told.world_size == 20 && told.local_rank == 2 && told.local_world_size == 4));
    CHECK((told.launcher == "SLURM" && told.master_addr == "10.0.0.7" && told.master_port == 15000 + 14567));
    auto const given = launched(with(srun, {{"MASTER_ADDR", "node3"}, {"MASTER_PORT", "40000"}}));
    CHECK((given.master_addr == "node3" && given.master_port == 40000));
    auto const one_node = launched(with(srun, {{"SLURM_STEP_TASKS_PER_NODE", "20"}, {"SLURM_NODEID", "0"}}));
    CHECK((one_node.master_addr == "127.0.0.1" && one_node.local_world_size == 20));
    for (auto const* job : {"0", "19999", "20000", "4294967295"}) {
        auto const port = launched(with(srun, {{"SLURM_JOB_ID", job}})).master_port;
        CHECK((port >= 15000 && port <= 34999));
    }
    CHECK(launched({{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}, {"SLURM_NTASKS", "20"}}).launcher.empty());
    CHECK(launched({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}).launcher.empty());
}

TEST_CASE("read_launch: SLURM's list of tasks") {
    using proximal::run::detail::tasks_of_node;
    CHECK((tasks_of_node("8", 0) == 8 && tasks_of_node("8(x2),4", 1) == 8 && tasks_of_node("8(x2),4", 2) == 4));
    CHECK((tasks_of_node("1,2(x3),5", 0) == 1 && tasks_of_node("1,2(x3),5", 3) == 2));
    CHECK(tasks_of_node("1,2(x3),5", 4) == 5);
    for (auto const* list : {"", "x", "8(x2", "8(2)", "8;4", "0", "8,", "-8"}) {
        INFO(list);
        CHECK_FALSE(tasks_of_node(list, 1).has_value());
    }
}

TEST_CASE("read_launch: mpirun of Open MPI, MPICH and Intel MPI") {
    auto const told = launched(mpirun);
    CHECK((told.rank == 3 && told.world_size == 4 && told.local_rank == 3 && told.local_world_size == 4));
    CHECK((told.launcher == "Open MPI" && told.master_addr == "127.0.0.1" && told.master_port == 29500));
    auto const other = launched(hydra);
    CHECK((other.rank == 1 && other.world_size == 2 && other.local_rank == 1 && other.local_world_size == 2));
    CHECK((other.launcher == "MPICH" && other.master_addr == "127.0.0.1" && other.master_port == 29500));
    CHECK(launched(with(hydra, {{"MASTER_ADDR", "::1"}, {"MASTER_PORT", "5"}})).master_port == 5);
    variables const hosts{{"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
    CHECK(launched(with(with(mpirun, hosts), {{"MASTER_ADDR", "node0"}})).master_addr == "node0");
    CHECK(refusal(with(mpirun, hosts)) ==
          "MASTER_ADDR is not set, and 4 processes must meet: set it to the host of rank 0, on all of them, or launch "
          "by `torchrun --no-python --nproc-per-node N PROGRAM FLAGS`");
    CHECK(launched({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}).launcher.empty());
    CHECK(launched({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}).launcher.empty());
}

TEST_CASE("read_launch: mpirun within a SLURM job, whose daemons srun started") {
    CHECK(launched(with(srun, mpirun)).launcher == "Open MPI");
    CHECK(launched(with(srun, hydra)).launcher == "MPICH");
    CHECK(launched(with(srun, {{"PMI_RANK", "18"}, {"PMI_SIZE", "20"}})).launcher == "SLURM");  // srun --mpi=pmi2
}

TEST_CASE("read_launch: what does not fit together is one sentence with the variable and the remedy") {
    CHECK(refusal(without(torchrun, "WORLD_SIZE")) == "RANK is set and WORLD_SIZE is not" + by_torchrun);
    CHECK(refusal(without(torchrun, "RANK")) == "WORLD_SIZE is set and RANK is not" + by_torchrun);
    CHECK(refusal(without(torchrun, "LOCAL_RANK")) == "LOCAL_WORLD_SIZE is set and LOCAL_RANK is not" + by_torchrun);
    CHECK(refusal(without(torchrun, "LOCAL_WORLD_SIZE")) ==
          "LOCAL_RANK is set and LOCAL_WORLD_SIZE is not" + by_torchrun);
    for (auto const* no_number : {"two", "-1", "1.5", "1 ", "99999999999999999999"})
        CHECK(refusal(with(torchrun, {{"RANK", no_number}})) ==
              "RANK is '" + std::string(no_number) + "', and must be a whole number, 0 or more" + by_torchrun);
    CHECK(refusal(with(torchrun, {{"RANK", "16"}})) ==
          "RANK is 16, and must be below WORLD_SIZE, which is 16" + by_torchrun);
    CHECK(refusal(with(torchrun, {{"RANK", "0"}, {"WORLD_SIZE", "0"}})) ==
          "WORLD_SIZE is 0, and must be at least 1" + by_torchrun);
    CHECK(refusal(with(torchrun, {{"LOCAL_RANK", "8"}})) ==
          "LOCAL_RANK is 8, and must be below LOCAL_WORLD_SIZE, which is 8" + by_torchrun);
    CHECK(refusal(with(torchrun, {{"LOCAL_WORLD_SIZE", "17"}})) ==
          "LOCAL_WORLD_SIZE says that 17 processes are on this host, and WORLD_SIZE that there are 16 in all" +
              by_torchrun);
    CHECK(refusal(with(torchrun, {{"TORCHELASTIC_RESTART_COUNT", "many"}})).starts_with("TORCHELASTIC_RESTART_COUNT"));
    CHECK(refusal(without(torchrun, "MASTER_ADDR")) ==
          "MASTER_ADDR is not set, and 16 processes must meet: set it to the host of rank 0, on all of them, or "
          "launch by `torchrun --no-python --nproc-per-node N PROGRAM FLAGS`");
    CHECK(refusal(without(torchrun, "MASTER_PORT"))
              .starts_with("MASTER_PORT is not set, and 16 processes must meet: set it to a free port there"));
    for (auto const* port : {"0", "65536"})
        CHECK(refusal(with(torchrun, {{"MASTER_PORT", port}})) ==
              "MASTER_PORT is " + std::string(port) + ", and a port is 1 to 65535: set it to a free one, as 29500");
    CHECK(refusal(with(torchrun, {{"MASTER_PORT", "http"}})).starts_with("MASTER_PORT is 'http', and must be"));

    auto const by_srun = ": launch by `srun`, which sets it";
    CHECK(refusal(without(srun, "SLURM_PROCID")) ==
          "SLURM_STEP_NUM_TASKS is set and SLURM_PROCID is not" + std::string(by_srun));
    CHECK(refusal(with(srun, {{"SLURM_PROCID", "20"}})) ==
          "SLURM_PROCID is 20, and must be below SLURM_STEP_NUM_TASKS, which is 20" + std::string(by_srun));
    CHECK(refusal(with(srun, {{"SLURM_LOCALID", "4"}})) ==
          "SLURM_LOCALID is 4, and must be below this node's count in SLURM_STEP_TASKS_PER_NODE, which is 4" +
              std::string(by_srun));
    CHECK(
        refusal(with(srun, {{"SLURM_STEP_TASKS_PER_NODE", "8(x"}})).starts_with("SLURM_STEP_TASKS_PER_NODE is '8(x'"));
    for (auto const* name : {"SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"})
        CHECK(refusal(without(srun, name)) == std::string(name) + " is not set" + by_srun);
    CHECK(refusal(without(srun, "SLURM_LAUNCH_NODE_IPADDR")).starts_with("MASTER_ADDR is not set, and 20 processes"));
    CHECK(refusal(without(srun, "SLURM_JOB_ID")).starts_with("MASTER_PORT is not set, and 20 processes"));

    CHECK(refusal(without(mpirun, "OMPI_COMM_WORLD_SIZE"))
              .starts_with("OMPI_COMM_WORLD_RANK is set and OMPI_COMM_WORLD_SIZE is not: launch by `mpirun`"));
    CHECK(refusal({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}})
              .starts_with("MPI_LOCALRANKID and MPI_LOCALNRANKS are not set: launch by `mpirun`"));
    CHECK(refusal(with(hydra, {{"MPI_LOCALRANKID", "2"}}))
              .starts_with("MPI_LOCALRANKID is 2, and must be below MPI_LOCALNRANKS, which is 2"));
}

TEST_CASE("process_environment: this process's own variables") {
    ::setenv("PROXIMAL_TEST_VARIABLE", "x", 1);
    CHECK(process_environment("PROXIMAL_TEST_VARIABLE") == "x");
    ::unsetenv("PROXIMAL_TEST_VARIABLE");
    CHECK_FALSE(process_environment("PROXIMAL_TEST_VARIABLE").has_value());
}
