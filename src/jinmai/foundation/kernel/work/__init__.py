"""Who acts next, by when: tasks (待办, ``work.tasks``), clocks in working or natural days (时限, ``work.clocks``)."""
