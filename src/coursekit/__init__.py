"""Tools that derive, check and grade the book. Never imported by :mod:`genbook`.

From a text to the site, in the order of the calls:

    cli            the commands
    build          what is to be done for ``coursekit notebooks``, and doing it
    project, toc   which chapters there are, and their order
    source         a text as cells, each with its line
    references     every label, number and citation of the book
    checked        the questions that a cell checks
    exercises      a sheet's questions, as the registry knows them; strip takes the solutions out
    lower          cells as Colab shows them: lower_blocks, lower_directives, lower_roles
    derive         notebooks of lowered cells; setup_cell, the first of each
    digest         a hash of all that a notebook uses, which dependencies finds by name
    execute        the rest is executed; outputs makes what comes out small and reproducible
    claims         every claim has a check, and its check was printed
    cache          stored outputs, where Jupyter Book looks for them
    sphinx_ext     what the site gets beyond Jupyter Book: directives, docstrings, dictionary, page,
                   bibliography, times, site_assets, accessible_html, beside, search, sitemap,
                   bibliography_style; reading, the time that a page takes; figures that are
                   handled: explorables (which web, that runs Node, bundles) and scrubbers

Beside it: ``new`` makes a chapter, ``affected`` says what a change can affect, ``spent`` what tests
cost, ``nbval_plugin`` runs notebooks as tests, ``pins`` writes the requirements,
``page_report`` measures pages; ``grading`` is a
house of its own.
"""
