"""Grading a class with nbval: from files that anybody may have written to grades that are fair.

From a submission to its grade in one direction, down the page. ``incoming`` and ``jail`` import
from no other room, ``verdict`` from these two, ``outgoing`` from all three; the run, which is told
first, leads through the four.

    grading/     the run itself, which leads through the four
    cli          the commands
    session      a run as the instructor sees it
    run          a class: who is graded, and where
    pool         workers that are replaced when they die
    worker       a submission's row, points and all; handed-in weights need no kernel
    ending       an orderly end where the system asks for one
    explain      how one student's points came about
    selftest     a small hostile class, and the sheets' own solutions

    incoming/    bytes become answers, and files become students; nothing is run
    plaintext    text of strangers, fit to be shown
    names        names of people and files: compared, sorted, made safe; what Canvas wrote in them
    files        what lies in a folder or zip of submissions
    formats      what is no plain JSON: encodings, exports, other kinds of files
    archives     a notebook inside a gzip or zip
    pictures     pictures in answers, and which of them a page may show
    salvage      cells out of broken JSON
    ingest       bytes become cells, by the three above
    source       a cell's code: what it defines, and what it asks for
    needs        what the sheet's notebook imports
    assignment   the sheet that was given, and its questions
    align        which name is whose answer
    merge        cells and sheet become the plan of what is run
    weights      trained networks that were handed in as files
    owners       whose a file is
    students     files become a task a student
    roster       the class as Canvas or Moodle knows it
    handwritten  YAML that people write

    jail/        a kernel in which student's code can do no harm, and what comes out of it
    scratch      locks and folders that end with their process
    landlock     which files may be opened
    seccomp      which system calls may be made
    confine      all that a kernel gives up before it runs a line
    watch        memory, threads and files, as the zygote counts them
    values       outcomes as JSON: sent by a check in the kernel, read by the grader
    kernel_app   the kernel's program: ipykernel's, less what grading cannot use
    forked       what a fork imports, and gives up before it is a kernel
    zygote       the process that forks a kernel for whoever connects
    sandbox      starts a zygote at a level: bubblewrap, landlock or none
    zygotes      those of a run, replaced when they die
    messages     messages of a kernel, read without trusting them
    kernel       nbval's kernel, from a zygote
    doctor       what works on this machine

    verdict/     what an answer did, against what is right
    reference    secret cases, and the reference's outcomes
    feedback     the verdict in words that give nothing away
    attempt      verdicts so far, and the time that is left
    engine       nbval's cells: the plan runs, and checks are judged
    durable      files that are never half
    results      rows, and the journal they are written to

    outgoing/    rows and a person's decisions become grades
    overrides    what a person decided
    exports      tables for people, Canvas and Moodle
    report       pages for people
    store        the folder of a run, and all that is made of its rows
"""
