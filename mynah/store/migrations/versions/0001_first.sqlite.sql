CREATE TABLE model_version (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(200) NOT NULL,
    stage VARCHAR(16) NOT NULL,
    weights VARCHAR(80) NOT NULL,
    tokenizer VARCHAR(80) NOT NULL,
    template VARCHAR(80) NOT NULL,
    code_version VARCHAR(80) NOT NULL,
    parent VARCHAR(32),
    run VARCHAR(200) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_model_version PRIMARY KEY (id),
    CONSTRAINT uq_model_version_weights_tokenizer_template UNIQUE (weights, tokenizer, template),
    CONSTRAINT fk_model_version_parent FOREIGN KEY(parent) REFERENCES model_version (id)
);

CREATE INDEX ix_model_version_parent ON model_version (parent);

CREATE TABLE prompt_group (
    id VARCHAR(32) NOT NULL,
    split VARCHAR(16) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_prompt_group PRIMARY KEY (id),
    CONSTRAINT ck_prompt_group_split CHECK (split IN ('train', 'validation', 'test', 'gold'))
);

CREATE TABLE user (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(200),
    email VARCHAR(320),
    password_hash VARCHAR(200),
    role VARCHAR(16) NOT NULL,
    salt BLOB,
    session_epoch INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    disabled_at DATETIME,
    erased_at DATETIME,
    CONSTRAINT pk_user PRIMARY KEY (id),
    CONSTRAINT ck_user_role CHECK (role IN ('admin', 'labeller', 'user', 'service')),
    CONSTRAINT uq_user_email UNIQUE (email)
);

CREATE TABLE session (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    epoch INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    seen_at DATETIME,
    expires_at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_session PRIMARY KEY (id),
    CONSTRAINT fk_session_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT uq_session_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_session_user ON session (user);

CREATE TABLE consent (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    purpose VARCHAR(32) NOT NULL,
    given BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_consent PRIMARY KEY (id),
    CONSTRAINT fk_consent_user FOREIGN KEY(user) REFERENCES user (id)
);

CREATE INDEX ix_consent_user ON consent (user);

CREATE TABLE service_setting (
    name VARCHAR(64) NOT NULL,
    value JSON NOT NULL,
    changed_by VARCHAR(32),
    changed_at DATETIME NOT NULL,
    CONSTRAINT pk_service_setting PRIMARY KEY (name),
    CONSTRAINT fk_service_setting_changed_by FOREIGN KEY(changed_by) REFERENCES user (id)
);

CREATE INDEX ix_service_setting_changed_by ON service_setting (changed_by);

CREATE TABLE audit (
    number INTEGER NOT NULL,
    actor VARCHAR(32),
    action VARCHAR(64) NOT NULL,
    target VARCHAR(64) NOT NULL,
    details JSON NOT NULL,
    created_at DATETIME NOT NULL,
    hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (number),
    CONSTRAINT fk_audit_actor FOREIGN KEY(actor) REFERENCES user (id)
);

CREATE INDEX ix_audit_actor ON audit (actor);

CREATE TABLE dataset (
    id VARCHAR(32) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    number INTEGER NOT NULL,
    recipe JSON NOT NULL,
    manifest VARCHAR(80) NOT NULL,
    rows INTEGER NOT NULL,
    author VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_dataset PRIMARY KEY (id),
    CONSTRAINT ck_dataset_kind CHECK (kind IN ('demonstrations', 'comparisons', 'prompts', 'labels')),
    CONSTRAINT uq_dataset_kind_number UNIQUE (kind, number),
    CONSTRAINT fk_dataset_author FOREIGN KEY(author) REFERENCES user (id)
);

CREATE INDEX ix_dataset_author ON dataset (author);

CREATE TABLE content (
    id VARCHAR(32) NOT NULL,
    owner VARCHAR(32) NOT NULL,
    subject VARCHAR(32),
    "key" VARCHAR(64),
    body TEXT,
    sealed BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    erased_at DATETIME,
    CONSTRAINT pk_content PRIMARY KEY (id),
    CONSTRAINT fk_content_owner FOREIGN KEY(owner) REFERENCES user (id),
    CONSTRAINT fk_content_subject FOREIGN KEY(subject) REFERENCES user (id)
);

CREATE INDEX ix_content_subject ON content (subject);

CREATE INDEX ix_content_key ON content ("key");

CREATE INDEX ix_content_owner ON content (owner);

CREATE TABLE guideline (
    id VARCHAR(32) NOT NULL,
    version INTEGER NOT NULL,
    content VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_guideline PRIMARY KEY (id),
    CONSTRAINT uq_guideline_version UNIQUE (version),
    CONSTRAINT fk_guideline_content FOREIGN KEY(content) REFERENCES content (id),
    CONSTRAINT fk_guideline_author FOREIGN KEY(author) REFERENCES user (id)
);

CREATE INDEX ix_guideline_author ON guideline (author);

CREATE TABLE rule (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(64) NOT NULL,
    version INTEGER NOT NULL,
    content VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_rule PRIMARY KEY (id),
    CONSTRAINT uq_rule_name_version UNIQUE (name, version),
    CONSTRAINT fk_rule_content FOREIGN KEY(content) REFERENCES content (id),
    CONSTRAINT fk_rule_author FOREIGN KEY(author) REFERENCES user (id)
);

CREATE INDEX ix_rule_author ON rule (author);

CREATE TABLE api_key (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    name VARCHAR(32),
    key_hash VARCHAR(64) NOT NULL,
    scopes JSON NOT NULL,
    requests_per_minute INTEGER,
    tokens_per_minute INTEGER,
    monthly_budget FLOAT,
    created_at DATETIME NOT NULL,
    expires_at DATETIME,
    revoked_at DATETIME,
    CONSTRAINT pk_api_key PRIMARY KEY (id),
    CONSTRAINT fk_api_key_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT fk_api_key_name FOREIGN KEY(name) REFERENCES content (id),
    CONSTRAINT uq_api_key_key_hash UNIQUE (key_hash)
);

CREATE INDEX ix_api_key_user ON api_key (user);

CREATE TABLE invite (
    id VARCHAR(32) NOT NULL,
    invited_by VARCHAR(32),
    token_hash VARCHAR(64) NOT NULL,
    role VARCHAR(16) NOT NULL,
    note VARCHAR(32),
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_by VARCHAR(32),
    used_at DATETIME,
    CONSTRAINT pk_invite PRIMARY KEY (id),
    CONSTRAINT ck_invite_role CHECK (role IN ('admin', 'labeller', 'user')),
    CONSTRAINT fk_invite_invited_by FOREIGN KEY(invited_by) REFERENCES user (id),
    CONSTRAINT uq_invite_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_invite_note FOREIGN KEY(note) REFERENCES content (id),
    CONSTRAINT fk_invite_used_by FOREIGN KEY(used_by) REFERENCES user (id)
);

CREATE INDEX ix_invite_invited_by ON invite (invited_by);

CREATE INDEX ix_invite_used_by ON invite (used_by);

CREATE TABLE user_setting (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    name VARCHAR(64) NOT NULL,
    value JSON,
    content VARCHAR(32),
    changed_at DATETIME NOT NULL,
    CONSTRAINT pk_user_setting PRIMARY KEY (id),
    CONSTRAINT uq_user_setting_user_name UNIQUE (user, name),
    CONSTRAINT fk_user_setting_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT fk_user_setting_content FOREIGN KEY(content) REFERENCES content (id)
);

CREATE INDEX ix_user_setting_user ON user_setting (user);

CREATE TABLE dataset_row (
    dataset VARCHAR(32) NOT NULL,
    number INTEGER NOT NULL,
    evidence VARCHAR(32) NOT NULL,
    evidence_id VARCHAR(32) NOT NULL,
    "key" VARCHAR(64) NOT NULL,
    weight FLOAT NOT NULL,
    CONSTRAINT uq_dataset_row_dataset_number UNIQUE (dataset, number),
    CONSTRAINT fk_dataset_row_dataset FOREIGN KEY(dataset) REFERENCES dataset (id)
);

CREATE INDEX ix_dataset_row_evidence_id ON dataset_row (evidence_id);

CREATE TABLE job (
    id VARCHAR(32) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    request JSON NOT NULL,
    progress FLOAT NOT NULL,
    error VARCHAR(32),
    author VARCHAR(32),
    created_at DATETIME NOT NULL,
    started_at DATETIME,
    heartbeat_at DATETIME,
    finished_at DATETIME,
    CONSTRAINT pk_job PRIMARY KEY (id),
    CONSTRAINT ck_job_status CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    CONSTRAINT fk_job_error FOREIGN KEY(error) REFERENCES content (id),
    CONSTRAINT fk_job_author FOREIGN KEY(author) REFERENCES user (id)
);

CREATE INDEX ix_job_author ON job (author);

CREATE TABLE promotion (
    id VARCHAR(32) NOT NULL,
    model_version VARCHAR(32) NOT NULL,
    replaces VARCHAR(32),
    decision VARCHAR(16) NOT NULL,
    comparison JSON NOT NULL,
    reason VARCHAR(32),
    author VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_promotion PRIMARY KEY (id),
    CONSTRAINT ck_promotion_decision CHECK (decision IN ('promote', 'reject', 'rollback')),
    CONSTRAINT fk_promotion_model_version FOREIGN KEY(model_version) REFERENCES model_version (id),
    CONSTRAINT fk_promotion_replaces FOREIGN KEY(replaces) REFERENCES model_version (id),
    CONSTRAINT fk_promotion_reason FOREIGN KEY(reason) REFERENCES content (id),
    CONSTRAINT fk_promotion_author FOREIGN KEY(author) REFERENCES user (id)
);

CREATE INDEX ix_promotion_model_version ON promotion (model_version);

CREATE INDEX ix_promotion_author ON promotion (author);

CREATE INDEX ix_promotion_replaces ON promotion (replaces);

CREATE TABLE conversation (
    id VARCHAR(32) NOT NULL,
    owner VARCHAR(32) NOT NULL,
    title VARCHAR(32),
    source VARCHAR(16) NOT NULL,
    "temporary" BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    archived_at DATETIME,
    deleted_at DATETIME,
    CONSTRAINT pk_conversation PRIMARY KEY (id),
    CONSTRAINT fk_conversation_owner FOREIGN KEY(owner) REFERENCES user (id),
    CONSTRAINT fk_conversation_title FOREIGN KEY(title) REFERENCES content (id)
);

CREATE INDEX ix_conversation_owner_updated_at_id ON conversation (owner, updated_at, id);

CREATE TABLE draft (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    place VARCHAR(64) NOT NULL,
    content VARCHAR(32) NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_draft PRIMARY KEY (id),
    CONSTRAINT uq_draft_user_place UNIQUE (user, place),
    CONSTRAINT fk_draft_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT fk_draft_content FOREIGN KEY(content) REFERENCES content (id)
);

CREATE TABLE training_run (
    id VARCHAR(32) NOT NULL,
    run VARCHAR(200) NOT NULL,
    stage VARCHAR(16) NOT NULL,
    settings JSON NOT NULL,
    seed BIGINT NOT NULL,
    parent VARCHAR(32),
    result VARCHAR(32),
    metrics JSON NOT NULL,
    job VARCHAR(32),
    started_at DATETIME NOT NULL,
    finished_at DATETIME NOT NULL,
    CONSTRAINT pk_training_run PRIMARY KEY (id),
    CONSTRAINT fk_training_run_parent FOREIGN KEY(parent) REFERENCES model_version (id),
    CONSTRAINT fk_training_run_result FOREIGN KEY(result) REFERENCES model_version (id),
    CONSTRAINT fk_training_run_job FOREIGN KEY(job) REFERENCES job (id)
);

CREATE INDEX ix_training_run_job ON training_run (job);

CREATE INDEX ix_training_run_result ON training_run (result);

CREATE INDEX ix_training_run_parent ON training_run (parent);

CREATE TABLE message (
    id VARCHAR(32) NOT NULL,
    conversation VARCHAR(32) NOT NULL,
    parent VARCHAR(32),
    role VARCHAR(16) NOT NULL,
    content VARCHAR(32) NOT NULL,
    tool_calls VARCHAR(32),
    author VARCHAR(32),
    completion VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT ck_message_role CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    CONSTRAINT ck_message_author_or_completion CHECK ((author IS NULL) <> (completion IS NULL)),
    CONSTRAINT fk_message_conversation FOREIGN KEY(conversation) REFERENCES conversation (id),
    CONSTRAINT fk_message_parent FOREIGN KEY(parent) REFERENCES message (id),
    CONSTRAINT fk_message_content FOREIGN KEY(content) REFERENCES content (id),
    CONSTRAINT fk_message_tool_calls FOREIGN KEY(tool_calls) REFERENCES content (id),
    CONSTRAINT fk_message_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT uq_message_completion UNIQUE (completion),
    CONSTRAINT fk_message_completion FOREIGN KEY(completion) REFERENCES completion (id)
);

CREATE INDEX ix_message_parent ON message (parent);

CREATE INDEX ix_message_author ON message (author);

CREATE INDEX ix_message_conversation ON message (conversation);

CREATE TABLE prompt (
    id VARCHAR(32) NOT NULL,
    owner VARCHAR(32) NOT NULL,
    message VARCHAR(32) NOT NULL,
    context_key VARCHAR(64) NOT NULL,
    source VARCHAR(16) NOT NULL,
    prompt_group VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_prompt PRIMARY KEY (id),
    CONSTRAINT fk_prompt_owner FOREIGN KEY(owner) REFERENCES user (id),
    CONSTRAINT uq_prompt_message UNIQUE (message),
    CONSTRAINT fk_prompt_message FOREIGN KEY(message) REFERENCES message (id),
    CONSTRAINT fk_prompt_prompt_group FOREIGN KEY(prompt_group) REFERENCES prompt_group (id)
);

CREATE INDEX ix_prompt_prompt_group ON prompt (prompt_group);

CREATE INDEX ix_prompt_context_key ON prompt (context_key);

CREATE INDEX ix_prompt_owner ON prompt (owner);

CREATE TABLE training_run_dataset (
    training_run VARCHAR(32) NOT NULL,
    dataset VARCHAR(32) NOT NULL,
    CONSTRAINT uq_training_run_dataset_training_run_dataset UNIQUE (training_run, dataset),
    CONSTRAINT fk_training_run_dataset_training_run FOREIGN KEY(training_run) REFERENCES training_run (id),
    CONSTRAINT fk_training_run_dataset_dataset FOREIGN KEY(dataset) REFERENCES dataset (id)
);

CREATE INDEX ix_training_run_dataset_training_run ON training_run_dataset (training_run);

CREATE INDEX ix_training_run_dataset_dataset ON training_run_dataset (dataset);

CREATE TABLE search_text (
    number INTEGER NOT NULL,
    message VARCHAR(32) NOT NULL,
    words TEXT NOT NULL,
    CONSTRAINT pk_search_text PRIMARY KEY (number),
    CONSTRAINT uq_search_text_message UNIQUE (message),
    CONSTRAINT fk_search_text_message FOREIGN KEY(message) REFERENCES message (id)
);

CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_text', content_rowid='number', tokenize='unicode61 remove_diacritics 0');

CREATE TABLE share (
    id VARCHAR(32) NOT NULL,
    conversation VARCHAR(32) NOT NULL,
    message VARCHAR(32) NOT NULL,
    shared_by VARCHAR(32) NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    created_at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_share PRIMARY KEY (id),
    CONSTRAINT fk_share_conversation FOREIGN KEY(conversation) REFERENCES conversation (id),
    CONSTRAINT fk_share_message FOREIGN KEY(message) REFERENCES message (id),
    CONSTRAINT fk_share_shared_by FOREIGN KEY(shared_by) REFERENCES user (id),
    CONSTRAINT uq_share_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_share_message ON share (message);

CREATE INDEX ix_share_conversation ON share (conversation);

CREATE INDEX ix_share_shared_by ON share (shared_by);

CREATE TABLE completion (
    id VARCHAR(32) NOT NULL,
    prompt VARCHAR(32) NOT NULL,
    model_version VARCHAR(32) NOT NULL,
    content VARCHAR(32) NOT NULL,
    tool_calls VARCHAR(32),
    params JSON NOT NULL,
    seed BIGINT NOT NULL,
    logprob_sum FLOAT,
    finish_reason VARCHAR(16) NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    started_at DATETIME NOT NULL,
    first_token_at DATETIME,
    finished_at DATETIME NOT NULL,
    CONSTRAINT pk_completion PRIMARY KEY (id),
    CONSTRAINT ck_completion_finish_reason CHECK (finish_reason IN ('stop', 'length', 'tool_calls', 'cancelled', 'interrupted')),
    CONSTRAINT fk_completion_prompt FOREIGN KEY(prompt) REFERENCES prompt (id),
    CONSTRAINT fk_completion_model_version FOREIGN KEY(model_version) REFERENCES model_version (id),
    CONSTRAINT fk_completion_content FOREIGN KEY(content) REFERENCES content (id),
    CONSTRAINT fk_completion_tool_calls FOREIGN KEY(tool_calls) REFERENCES content (id)
);

CREATE INDEX ix_completion_prompt ON completion (prompt);

CREATE INDEX ix_completion_model_version ON completion (model_version);

CREATE TABLE stream (
    id VARCHAR(32) NOT NULL,
    prompt VARCHAR(32) NOT NULL,
    model_version VARCHAR(32) NOT NULL,
    content VARCHAR(32) NOT NULL,
    params JSON NOT NULL,
    seed BIGINT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    started_at DATETIME NOT NULL,
    first_token_at DATETIME,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_stream PRIMARY KEY (id),
    CONSTRAINT fk_stream_prompt FOREIGN KEY(prompt) REFERENCES prompt (id),
    CONSTRAINT fk_stream_model_version FOREIGN KEY(model_version) REFERENCES model_version (id),
    CONSTRAINT fk_stream_content FOREIGN KEY(content) REFERENCES content (id)
);

CREATE INDEX ix_stream_prompt ON stream (prompt);

CREATE INDEX ix_stream_updated_at ON stream (updated_at);

CREATE TABLE task (
    id VARCHAR(32) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    prompt VARCHAR(32) NOT NULL,
    guideline VARCHAR(32) NOT NULL,
    wanted INTEGER NOT NULL,
    priority FLOAT NOT NULL,
    origin VARCHAR(32) NOT NULL,
    created_at DATETIME NOT NULL,
    closed_at DATETIME,
    CONSTRAINT pk_task PRIMARY KEY (id),
    CONSTRAINT ck_task_kind CHECK (kind IN ('rank', 'demonstrate', 'flag', 'compare', 'adjudicate')),
    CONSTRAINT fk_task_prompt FOREIGN KEY(prompt) REFERENCES prompt (id),
    CONSTRAINT fk_task_guideline FOREIGN KEY(guideline) REFERENCES guideline (id)
);

CREATE INDEX ix_task_prompt ON task (prompt);

CREATE INDEX ix_task_guideline ON task (guideline);

CREATE TABLE rm_score (
    id VARCHAR(32) NOT NULL,
    completion VARCHAR(32) NOT NULL,
    model_version VARCHAR(32) NOT NULL,
    score FLOAT NOT NULL,
    spread FLOAT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_rm_score PRIMARY KEY (id),
    CONSTRAINT fk_rm_score_completion FOREIGN KEY(completion) REFERENCES completion (id),
    CONSTRAINT fk_rm_score_model_version FOREIGN KEY(model_version) REFERENCES model_version (id)
);

CREATE INDEX ix_rm_score_completion ON rm_score (completion);

CREATE INDEX ix_rm_score_model_version ON rm_score (model_version);

CREATE TABLE usage (
    id VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    api_key VARCHAR(32),
    completion VARCHAR(32),
    model_version VARCHAR(32),
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    seconds FLOAT NOT NULL,
    cost FLOAT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_usage PRIMARY KEY (id),
    CONSTRAINT fk_usage_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT fk_usage_api_key FOREIGN KEY(api_key) REFERENCES api_key (id),
    CONSTRAINT fk_usage_completion FOREIGN KEY(completion) REFERENCES completion (id),
    CONSTRAINT fk_usage_model_version FOREIGN KEY(model_version) REFERENCES model_version (id)
);

CREATE INDEX ix_usage_completion ON usage (completion);

CREATE INDEX ix_usage_api_key ON usage (api_key);

CREATE INDEX ix_usage_user_created_at ON usage (user, created_at);

CREATE TABLE task_item (
    id VARCHAR(32) NOT NULL,
    task VARCHAR(32) NOT NULL,
    completion VARCHAR(32) NOT NULL,
    CONSTRAINT pk_task_item PRIMARY KEY (id),
    CONSTRAINT uq_task_item_task_completion UNIQUE (task, completion),
    CONSTRAINT fk_task_item_task FOREIGN KEY(task) REFERENCES task (id),
    CONSTRAINT fk_task_item_completion FOREIGN KEY(completion) REFERENCES completion (id)
);

CREATE INDEX ix_task_item_task ON task_item (task);

CREATE INDEX ix_task_item_completion ON task_item (completion);

CREATE TABLE assignment (
    id VARCHAR(32) NOT NULL,
    task VARCHAR(32) NOT NULL,
    user VARCHAR(32) NOT NULL,
    guideline VARCHAR(32) NOT NULL,
    shown_order JSON NOT NULL,
    created_at DATETIME NOT NULL,
    leased_until DATETIME NOT NULL,
    submitted_at DATETIME,
    skipped_at DATETIME,
    skip_reason VARCHAR(32),
    CONSTRAINT pk_assignment PRIMARY KEY (id),
    CONSTRAINT uq_assignment_task_user UNIQUE (task, user),
    CONSTRAINT fk_assignment_task FOREIGN KEY(task) REFERENCES task (id),
    CONSTRAINT fk_assignment_user FOREIGN KEY(user) REFERENCES user (id),
    CONSTRAINT fk_assignment_guideline FOREIGN KEY(guideline) REFERENCES guideline (id),
    CONSTRAINT fk_assignment_skip_reason FOREIGN KEY(skip_reason) REFERENCES content (id)
);

CREATE INDEX ix_assignment_user ON assignment (user);

CREATE INDEX ix_assignment_guideline ON assignment (guideline);

CREATE TABLE gold_key (
    id VARCHAR(32) NOT NULL,
    task VARCHAR(32) NOT NULL,
    expected JSON NOT NULL,
    why VARCHAR(32),
    author VARCHAR(32) NOT NULL,
    supersedes VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_gold_key PRIMARY KEY (id),
    CONSTRAINT fk_gold_key_task FOREIGN KEY(task) REFERENCES task (id),
    CONSTRAINT fk_gold_key_why FOREIGN KEY(why) REFERENCES content (id),
    CONSTRAINT fk_gold_key_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_gold_key_supersedes FOREIGN KEY(supersedes) REFERENCES gold_key (id)
);

CREATE INDEX ix_gold_key_task ON gold_key (task);

CREATE INDEX ix_gold_key_author ON gold_key (author);

CREATE INDEX ix_gold_key_supersedes ON gold_key (supersedes);

CREATE TABLE reaction (
    id VARCHAR(32) NOT NULL,
    completion VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    rating INTEGER NOT NULL,
    reasons JSON NOT NULL,
    comment VARCHAR(32),
    supersedes VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_reaction PRIMARY KEY (id),
    CONSTRAINT ck_reaction_rating CHECK (rating IN (-1, 0, 1)),
    CONSTRAINT fk_reaction_completion FOREIGN KEY(completion) REFERENCES completion (id),
    CONSTRAINT fk_reaction_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_reaction_comment FOREIGN KEY(comment) REFERENCES content (id),
    CONSTRAINT fk_reaction_supersedes FOREIGN KEY(supersedes) REFERENCES reaction (id)
);

CREATE INDEX ix_reaction_supersedes ON reaction (supersedes);

CREATE INDEX ix_reaction_author ON reaction (author);

CREATE INDEX ix_reaction_completion ON reaction (completion);

CREATE TABLE ranking (
    id VARCHAR(32) NOT NULL,
    prompt VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    assignment VARCHAR(32),
    source VARCHAR(16) NOT NULL,
    all_bad BOOLEAN NOT NULL,
    confidence INTEGER,
    comment VARCHAR(32),
    seconds FLOAT,
    supersedes VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_ranking PRIMARY KEY (id),
    CONSTRAINT ck_ranking_source CHECK (source IN ('human', 'simulated')),
    CONSTRAINT fk_ranking_prompt FOREIGN KEY(prompt) REFERENCES prompt (id),
    CONSTRAINT fk_ranking_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_ranking_assignment FOREIGN KEY(assignment) REFERENCES assignment (id),
    CONSTRAINT fk_ranking_comment FOREIGN KEY(comment) REFERENCES content (id),
    CONSTRAINT fk_ranking_supersedes FOREIGN KEY(supersedes) REFERENCES ranking (id)
);

CREATE INDEX ix_ranking_author ON ranking (author);

CREATE INDEX ix_ranking_supersedes ON ranking (supersedes);

CREATE INDEX ix_ranking_prompt ON ranking (prompt);

CREATE INDEX ix_ranking_assignment ON ranking (assignment);

CREATE TABLE label (
    id VARCHAR(32) NOT NULL,
    completion VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    assignment VARCHAR(32),
    source VARCHAR(16) NOT NULL,
    name VARCHAR(64) NOT NULL,
    value FLOAT NOT NULL,
    span_start INTEGER,
    span_end INTEGER,
    rule VARCHAR(32),
    supersedes VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_label PRIMARY KEY (id),
    CONSTRAINT ck_label_source CHECK (source IN ('human', 'simulated')),
    CONSTRAINT ck_label_span CHECK ((span_start IS NULL) = (span_end IS NULL) AND span_start < span_end),
    CONSTRAINT fk_label_completion FOREIGN KEY(completion) REFERENCES completion (id),
    CONSTRAINT fk_label_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_label_assignment FOREIGN KEY(assignment) REFERENCES assignment (id),
    CONSTRAINT fk_label_rule FOREIGN KEY(rule) REFERENCES rule (id),
    CONSTRAINT fk_label_supersedes FOREIGN KEY(supersedes) REFERENCES label (id)
);

CREATE INDEX ix_label_rule ON label (rule);

CREATE INDEX ix_label_supersedes ON label (supersedes);

CREATE INDEX ix_label_author ON label (author);

CREATE INDEX ix_label_completion ON label (completion);

CREATE INDEX ix_label_assignment ON label (assignment);

CREATE TABLE demonstration (
    id VARCHAR(32) NOT NULL,
    prompt VARCHAR(32) NOT NULL,
    content VARCHAR(32) NOT NULL,
    author VARCHAR(32) NOT NULL,
    assignment VARCHAR(32),
    source VARCHAR(16) NOT NULL,
    edited_from VARCHAR(32),
    supersedes VARCHAR(32),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_demonstration PRIMARY KEY (id),
    CONSTRAINT ck_demonstration_source CHECK (source IN ('human', 'simulated')),
    CONSTRAINT fk_demonstration_prompt FOREIGN KEY(prompt) REFERENCES prompt (id),
    CONSTRAINT fk_demonstration_content FOREIGN KEY(content) REFERENCES content (id),
    CONSTRAINT fk_demonstration_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_demonstration_assignment FOREIGN KEY(assignment) REFERENCES assignment (id),
    CONSTRAINT fk_demonstration_edited_from FOREIGN KEY(edited_from) REFERENCES completion (id),
    CONSTRAINT fk_demonstration_supersedes FOREIGN KEY(supersedes) REFERENCES demonstration (id)
);

CREATE INDEX ix_demonstration_edited_from ON demonstration (edited_from);

CREATE INDEX ix_demonstration_assignment ON demonstration (assignment);

CREATE INDEX ix_demonstration_supersedes ON demonstration (supersedes);

CREATE INDEX ix_demonstration_prompt ON demonstration (prompt);

CREATE INDEX ix_demonstration_author ON demonstration (author);

CREATE TABLE ranking_item (
    id VARCHAR(32) NOT NULL,
    ranking VARCHAR(32) NOT NULL,
    completion VARCHAR(32) NOT NULL,
    grade INTEGER NOT NULL,
    CONSTRAINT pk_ranking_item PRIMARY KEY (id),
    CONSTRAINT uq_ranking_item_ranking_completion UNIQUE (ranking, completion),
    CONSTRAINT fk_ranking_item_ranking FOREIGN KEY(ranking) REFERENCES ranking (id),
    CONSTRAINT fk_ranking_item_completion FOREIGN KEY(completion) REFERENCES completion (id)
);

CREATE INDEX ix_ranking_item_completion ON ranking_item (completion);

CREATE INDEX ix_ranking_item_ranking ON ranking_item (ranking);

CREATE TABLE preference_event (
    id VARCHAR(32) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    author VARCHAR(32) NOT NULL,
    a VARCHAR(32) NOT NULL,
    b VARCHAR(32),
    edit VARCHAR(32),
    outcome VARCHAR(16) NOT NULL,
    left_side VARCHAR(16),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_preference_event PRIMARY KEY (id),
    CONSTRAINT ck_preference_event_kind CHECK (kind IN ('arena', 'regenerate', 'edit', 'sibling')),
    CONSTRAINT ck_preference_event_outcome CHECK (outcome IN ('a', 'b', 'tie', 'both_bad')),
    CONSTRAINT ck_preference_event_left_side CHECK (left_side IN ('a', 'b')),
    CONSTRAINT ck_preference_event_b_or_edit CHECK ((b IS NULL) <> (edit IS NULL)),
    CONSTRAINT fk_preference_event_author FOREIGN KEY(author) REFERENCES user (id),
    CONSTRAINT fk_preference_event_a FOREIGN KEY(a) REFERENCES completion (id),
    CONSTRAINT fk_preference_event_b FOREIGN KEY(b) REFERENCES completion (id),
    CONSTRAINT fk_preference_event_edit FOREIGN KEY(edit) REFERENCES demonstration (id)
);

CREATE INDEX ix_preference_event_author ON preference_event (author);

CREATE INDEX ix_preference_event_a ON preference_event (a);

CREATE INDEX ix_preference_event_b ON preference_event (b);

CREATE INDEX ix_preference_event_edit ON preference_event (edit);
