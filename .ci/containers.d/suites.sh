# The suites of tests on containers of their own, which are gone afterwards, however a test ends.

# All of one selection of packages, so that cargo compiles what they share once. Two suites are left
# out: those of the queue server and of the runtime start queue servers with faults.
suites_on_containers() {
    TWOFOLD_TEST_BACKEND=containers SQS_IMAGE=twofold/sqs-local:$TWOFOLD_TAG \
        cargo test --workspace --exclude messaging --exclude sqs-local "$@"
}

test_on_containers_light() {
    suites_on_containers --test it
    wait_until "the tests' containers are gone" no_test_container
}

test_on_containers_whole() {
    suites_on_containers --test it --test acceptance
    wait_until "the tests' containers are gone" no_test_container
    interrupt_the_suites
}

# Ctrl-C, as a terminal sends it: to the whole group.
interrupt_the_suites() {
    set -m
    suites_on_containers --test it >/dev/null 2>&1 &
    set +m
    wait_until "a test's container runs" a_test_container
    kill -INT -- "-$!"
    wait_until "it is gone after Ctrl-C" no_test_container
    # Nor does it come up late.
    sleep 5 && no_test_container
}

test_containers() { docker ps -aq --filter label=org.testcontainers.managed-by=testcontainers; }
a_test_container() { [ -n "$(test_containers)" ]; }
no_test_container() { [ -z "$(test_containers)" ]; }
